// Readings of header fields by another library, as a second opinion.

#include <fstream>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "lib/mime/address.h"
#include "lib/mime/content_type.h"
#include "lib/mime/date.h"
#include "lib/mime/encoded_word.h"

namespace facteur::mime {
namespace {

using nlohmann::json;

json load(const std::string& name) {
    std::ifstream file("tests/vectors/parse/" + name + ".json");
    REQUIRE(file.good());
    return json::parse(file);
}

/// The field alone: some vectors have the next field behind it.
std::string field_of(const json& vector) {
    std::string text = vector["header"];
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; ++at) {
        if (at + 1 >= text.size() || (text[at + 1] != ' ' && text[at + 1] != '\t'))
            return text.substr(0, at);
    }
    return text;
}

std::string address_of(const Address& address) {
    return address.host.empty() ? address.mailbox : address.mailbox + "@" + address.host;
}

void collect(const json& list, std::vector<std::string>& out) {
    for (const json& entry : list) {
        if (entry["address"].is_string()) out.push_back(entry["address"]);
    }
}

TEST_CASE("addresses are read as mail-parser reads them", "[mime]") {
    std::size_t same = 0;
    json vectors = load("address");
    for (const json& vector : vectors) {
        std::vector<std::string> expected;
        if (vector["expected"].contains("List")) collect(vector["expected"]["List"], expected);
        if (vector["expected"].contains("Group")) {
            for (const json& group : vector["expected"]["Group"])
                collect(group["addresses"], expected);
        }
        std::vector<std::string> found;
        for (const Address& address : parse_addresses(field_of(vector))) {
            if (address.kind == Address::Kind::mailbox) found.push_back(address_of(address));
        }
        if (found == expected) {
            ++same;
        } else {
            std::string all;
            for (const auto& one : found)
                all += "[" + one + "] ";
            UNSCOPED_INFO(vector["header"] << " -> " << all << vector["expected"]);
        }
    }
    CHECK(same == vectors.size());
}

TEST_CASE("dates are read as mail-parser reads them", "[mime]") {
    for (const json& vector : load("date")) {
        auto date = parse_date(field_of(vector));
        const json& expected = vector["expected"];
        INFO(vector["header"]);
        if (expected.is_null() || expected["year"] == 0) {
            CHECK_FALSE(date);
            continue;
        }
        REQUIRE(date);
        int zone = int{expected["tz_hour"]} * 60 + int{expected["tz_minute"]};
        if (expected["tz_before_gmt"]) zone = -zone;
        CHECK(date->zone_minutes == zone);
        std::tm tm{};
        tm.tm_year = int{expected["year"]} - 1900;
        tm.tm_mon = int{expected["month"]} - 1;
        tm.tm_mday = expected["day"];
        tm.tm_hour = expected["hour"];
        tm.tm_min = expected["minute"];
        tm.tm_sec = expected["second"];
        CHECK(date->time == ::timegm(&tm) - zone * 60);
    }
}

TEST_CASE("Content-Type values are read as mail-parser reads them", "[mime]") {
    for (const json& vector : load("content_type")) {
        Parameterized found = parse_parameterized(field_of(vector));
        const json& expected = vector["expected"];
        INFO(vector["header"]);
        if (!expected.is_object()) continue;
        CHECK(found.value == std::string(expected["c_type"]));
        if (expected["c_subtype"].is_string())
            CHECK(found.subtype == std::string(expected["c_subtype"]));
        if (!expected["attributes"].is_array()) continue;
        for (const json& attribute : expected["attributes"]) {
            auto value = parameter(found.parameters, std::string(attribute[0]));
            INFO(attribute[0]);
            CHECK(value.value_or("(none)") == std::string(attribute[1]));
        }
    }
}

TEST_CASE("unstructured fields are decoded as mail-parser decodes them", "[mime]") {
    for (const json& vector : load("unstructured")) {
        if (!vector["expected"].is_string()) continue;
        INFO(vector["header"]);
        std::string found;
        for (char c : decode_words(field_of(vector))) {  // they squeeze folded white space
            if (c != ' ' || !found.ends_with(' ')) found.push_back(c);
        }
        std::string expected;
        for (char c : std::string(vector["expected"])) {
            if (c != ' ' || !expected.ends_with(' ')) expected.push_back(c);
        }
        CHECK(found == expected);
    }
}

}  // namespace
}  // namespace facteur::mime
