#include "lib/net/dns/message.h"

#include <algorithm>
#include <optional>

#include <ares.h>
#include <fmt/format.h>

#include "lib/base/text.h"

namespace facteur::dns {
namespace {

constexpr int kMaxChain = 16;
constexpr std::size_t kMaxRecords = 4096;

/// Walks through a DNS message (RFC 1035 section 4.1); every step may fail.
class Reader {
public:
    explicit Reader(std::string_view message) : message_(message) {}

    bool at(std::size_t offset) {
        if (offset > message_.size()) return false;
        offset_ = offset;
        return true;
    }
    std::size_t offset() const { return offset_; }
    std::optional<unsigned> number(std::size_t bytes) {
        if (message_.size() - offset_ < bytes) return std::nullopt;
        unsigned value = 0;
        for (; bytes > 0; --bytes)
            value = value << 8 | static_cast<unsigned char>(message_[offset_++]);
        return value;
    }
    std::optional<std::string> bytes(std::size_t count) {
        if (message_.size() - offset_ < count) return std::nullopt;
        offset_ += count;
        return std::string(message_.substr(offset_ - count, count));
    }
    /// A name, perhaps compressed: c-ares follows the pointers and knows when they go in circles.
    std::optional<std::string> name() {
        const auto* start = reinterpret_cast<const unsigned char*>(message_.data());  // NOLINT
        char* text = nullptr;
        long used = 0;
        if (offset_ >= message_.size() ||
            ::ares_expand_name(start + offset_, start, static_cast<int>(message_.size()), &text,
                               &used) != ARES_SUCCESS) {
            return std::nullopt;
        }
        std::string result = to_lower(text);
        ::ares_free_string(text);
        offset_ += static_cast<std::size_t>(used);
        if (result == ".") result.clear();
        return result;
    }

private:
    std::string_view message_;
    std::size_t offset_ = 0;
};

std::optional<std::string> joined_strings(std::string_view data) {
    std::string text;
    while (!data.empty()) {
        std::size_t size = static_cast<unsigned char>(data[0]);
        if (data.size() - 1 < size) return std::nullopt;
        text += data.substr(1, size);
        data.remove_prefix(1 + size);
    }
    return text;
}

/// SOA: the data becomes its MINIMUM, which says how long "no" holds (RFC 2308 section 4).
std::optional<std::string> soa_minimum(Reader& reader) {
    if (!reader.name() || !reader.name() || !reader.bytes(16)) return std::nullopt;
    auto minimum = reader.number(4);
    if (!minimum) return std::nullopt;
    return std::to_string(*minimum);
}

std::optional<std::string> read_data(Reader& reader, Record& record, std::size_t size) {
    switch (record.type) {
        case Type::mx: {
            auto preference = reader.number(2);
            if (!preference || size < 3) return std::nullopt;
            record.preference = static_cast<std::uint16_t>(*preference);
            return reader.name();
        }
        case Type::srv: {
            auto priority = reader.number(2);
            auto weight = reader.number(2);
            auto port = reader.number(2);
            if (!priority || !weight || !port || size < 7) return std::nullopt;
            record.preference = static_cast<std::uint16_t>(*priority);
            record.weight = static_cast<std::uint16_t>(*weight);
            record.port = static_cast<std::uint16_t>(*port);
            return reader.name();
        }
        case Type::ns:
        case Type::cname:
        case Type::ptr:
            return reader.name();
        case Type::soa:
            return soa_minimum(reader);
        case Type::txt: {
            auto raw = reader.bytes(size);
            if (!raw) return std::nullopt;
            return joined_strings(*raw);
        }
        default:
            return reader.bytes(size);
    }
}

bool has_right_size(const Record& record) {
    if (record.type == Type::a) return record.data.size() == 4;
    if (record.type == Type::aaaa) return record.data.size() == 16;
    if (record.type == Type::tlsa) return record.data.size() > 3;
    return true;
}

/// One resource record; nothing when the message is cut or wrong.
std::optional<Record> read_record(Reader& reader) {
    Record record;
    auto owner = reader.name();
    if (!owner) return std::nullopt;
    auto type = reader.number(2);
    auto klass = reader.number(2);
    auto ttl = reader.number(4);
    auto size = reader.number(2);
    if (!type || !klass || !ttl || !size) return std::nullopt;
    std::size_t end = reader.offset() + *size;
    record.owner = *std::move(owner);
    record.type = static_cast<Type>(*type);
    // RFC 2181 section 8: a TTL with the highest bit set is zero.
    record.ttl = *ttl > 0x7fffffff ? 0 : *ttl;
    auto data = read_data(reader, record, *size);
    if (!data || !reader.at(end)) return std::nullopt;
    record.data = *std::move(data);
    if (!has_right_size(record)) return std::nullopt;
    return record;
}

struct Sections {
    unsigned flags = 0;
    std::vector<Record> answer;
    std::vector<Record> authority;
};

bool read_section(Reader& reader, unsigned count, std::vector<Record>& records) {
    for (; count > 0; --count) {
        auto record = read_record(reader);
        if (!record || records.size() >= kMaxRecords) return false;
        records.push_back(*std::move(record));
    }
    return true;
}

std::optional<Sections> read_sections(std::string_view message) {
    Reader reader(message);
    Sections sections;
    if (!reader.number(2)) return std::nullopt;
    auto flags = reader.number(2);
    auto questions = reader.number(2);
    auto answers = reader.number(2);
    auto authorities = reader.number(2);
    if (!flags || !authorities || !reader.number(2)) return std::nullopt;
    sections.flags = *flags;
    for (; *questions > 0; --*questions) {
        if (!reader.name() || !reader.number(4)) return std::nullopt;
    }
    if (!read_section(reader, *answers, sections.answer)) return std::nullopt;
    // A cut authority section (a truncated "no") only loses the time that it may be kept.
    read_section(reader, *authorities, sections.authority);
    return sections;
}

/// Follows the CNAMEs inside one reply; false when they go in circles.
bool follow(const Sections& sections, Answer& answer) {
    for (int steps = 0; steps < kMaxChain; ++steps) {
        auto next = std::ranges::find_if(sections.answer, [&](const Record& record) {
            return record.type == Type::cname && record.owner == answer.canonical;
        });
        if (next == sections.answer.end()) return true;
        answer.canonical = next->data;
        answer.ttl = std::min(answer.ttl, next->ttl);
        answer.dangling = true;
    }
    return false;
}

/// RFC 2308 section 5: "no" may be kept as long as the SOA says; without one, not at all.
std::uint32_t negative_ttl(const Sections& sections) {
    for (const Record& record : sections.authority) {
        if (record.type != Type::soa) continue;
        auto minimum = parse_number(record.data);
        return std::min(record.ttl, static_cast<std::uint32_t>(minimum.value_or(0)));
    }
    return 0;
}

bool has_soa(const Sections& sections) {
    return std::ranges::any_of(sections.authority,
                               [](const Record& record) { return record.type == Type::soa; });
}

}  // namespace

std::string_view type_name(Type type) {
    switch (type) {
        case Type::a:
            return "A";
        case Type::ns:
            return "NS";
        case Type::cname:
            return "CNAME";
        case Type::soa:
            return "SOA";
        case Type::ptr:
            return "PTR";
        case Type::mx:
            return "MX";
        case Type::txt:
            return "TXT";
        case Type::aaaa:
            return "AAAA";
        case Type::srv:
            return "SRV";
        case Type::tlsa:
            return "TLSA";
    }
    return "unknown";
}

Result<Answer> parse_reply(std::string_view message, std::string_view name, Type type) {
    auto sections = read_sections(message);
    if (!sections) return std::unexpected(try_again(name, type));
    unsigned code = sections->flags & 15;
    constexpr unsigned kNoError = 0, kNxDomain = 3;
    if (code != kNoError && code != kNxDomain) return std::unexpected(try_again(name, type));
    Answer answer;
    answer.canonical = to_lower(name);
    answer.ttl = 0x7fffffff;
    answer.authentic = (sections->flags & 0x20) != 0;
    if (type != Type::cname && !follow(*sections, answer)) {
        return std::unexpected(try_again(name, type));
    }
    for (const Record& record : sections->answer) {
        if (record.type != type || record.owner != answer.canonical) continue;
        answer.records.push_back(record);
        answer.ttl = std::min(answer.ttl, record.ttl);
    }
    if (!answer.records.empty()) {
        answer.status = Answer::Status::found;
        answer.dangling = false;
        return answer;
    }
    answer.status = code == kNxDomain ? Answer::Status::no_name : Answer::Status::no_data;
    answer.dangling = answer.dangling && code == kNoError && !has_soa(*sections);
    if (!answer.dangling) answer.ttl = std::min(answer.ttl, negative_ttl(*sections));
    return answer;
}

Error not_found(const Answer& answer, std::string_view name, Type type) {
    bool exists = answer.status != Answer::Status::no_name;
    return Error{
        Error::Kind::permanent, "5.4.4",
        fmt::format("Host or domain name not found. Name service error for name={} "
                    "type={}: {}",
                    printable(name, 255), type_name(type),
                    exists ? "Host found but no data record of requested type" : "Host not found")};
}

Error try_again(std::string_view name, Type type) {
    return Error{Error::Kind::temporary, "4.4.3",
                 fmt::format("Host or domain name not found. Name service error for name={} "
                             "type={}: Host not found, try again",
                             printable(name, 255), type_name(type))};
}

}  // namespace facteur::dns
