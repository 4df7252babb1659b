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

/// How many of the vectors of one file `agrees` holds for.
template <class Agrees>
std::size_t agreements(const std::string& name, Agrees agrees) {
    std::size_t count = 0;
    for (const json& vector : load(name))
        count += agrees(field_of(vector), vector["expected"]) ? 1 : 0;
    return count;
}

// mail-parser keeps the 13 others as they stand: URLs of List- fields, source routes, spaces in
// domains.
TEST_CASE("addresses are read as mail-parser reads them, URLs aside", "[mime]") {
    auto agrees = [](const std::string& field, const json& vector) {
        std::vector<std::string> expected;
        if (vector.contains("List")) collect(vector["List"], expected);
        if (vector.contains("Group")) {
            for (const json& group : vector["Group"])
                collect(group["addresses"], expected);
        }
        std::vector<std::string> found;
        for (const Address& address : parse_addresses(field)) {
            if (address.kind == Address::Kind::mailbox) found.push_back(address_of(address));
        }
        return found == expected;
    };
    CHECK(agreements("address", agrees) == 47);
}

bool same_date(const std::optional<Date>& date, const json& expected) {
    if (!date || expected.is_null()) return !date && expected.is_null();
    int zone = int{expected["tz_hour"]} * 60 + int{expected["tz_minute"]};
    if (expected["tz_before_gmt"]) zone = -zone;
    std::tm tm{};
    tm.tm_year = int{expected["year"]} - 1900;
    tm.tm_mon = int{expected["month"]} - 1;
    tm.tm_mday = expected["day"];
    tm.tm_hour = expected["hour"];
    tm.tm_min = expected["minute"];
    tm.tm_sec = expected["second"];
    return date->zone_minutes == zone && date->time == ::timegm(&tm) - zone * 60;
}

// The others are no dates at all ("4 8 15 16 23 42").
TEST_CASE("dates are read as mail-parser reads them", "[mime]") {
    auto agrees = [](const std::string& field, const json& expected) {
        return same_date(parse_date(field), expected);
    };
    CHECK(agreements("date", agrees) == 37);
}

// The others are its own additions ("name-language") and parameters that are mostly asterisks.
TEST_CASE("Content-Type values are read as mail-parser reads them", "[mime]") {
    auto agrees = [](const std::string& field, const json& expected) {
        Parameterized found = parse_parameterized(field);
        if (!expected.is_object()) return true;
        if (found.value != std::string(expected["c_type"])) return false;
        if (expected["c_subtype"].is_string() &&
            found.subtype != std::string(expected["c_subtype"]))
            return false;
        if (!expected.contains("attributes") || !expected["attributes"].is_array()) return true;
        for (const json& attribute : expected["attributes"]) {
            auto value = parameter(found.parameters, std::string(attribute[0]));
            if (value != std::string(attribute[1])) return false;
        }
        return true;
    };
    CHECK(agreements("content_type", agrees) == 96);
}

std::string squeezed(std::string_view text) {
    std::string out;
    for (char c : text) {
        if (c != ' ' || !out.ends_with(' ')) out.push_back(c);
    }
    return out;
}

TEST_CASE("unstructured fields are decoded as mail-parser decodes them", "[mime]") {
    auto agrees = [](const std::string& field, const json& expected) {
        if (!expected.is_string()) return true;
        // It turns folded white space into one space.
        return squeezed(decode_words(field)) == squeezed(std::string(expected));
    };
    CHECK(agreements("unstructured", agrees) == 26);
}

}  // namespace
}  // namespace facteur::mime
