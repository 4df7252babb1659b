#include "tools/facteur/mailbox_query.h"

#include <algorithm>
#include <ctime>

#include "lib/base/text.h"
#include "lib/imap/mailbox_name.h"

namespace facteur::tool {
namespace {

constexpr int kMostNestedQuery = 50;
constexpr std::int64_t kDay = 24 * 60 * 60;

using Facts = Query::Facts;
using Test = std::function<bool(const Facts&)>;

struct FlagWord {
    std::string_view word;
    store::Flags flag;
};
constexpr FlagWord kFlagWords[] = {{"SEEN", store::seen},
                                   {"ANSWERED", store::answered},
                                   {"FLAGGED", store::flagged},
                                   {"DELETED", store::deleted},
                                   {"DRAFT", store::draft}};

std::int64_t midnight(std::int64_t time) {
    const std::time_t seconds = time;
    std::tm local{};
    ::localtime_r(&seconds, &local);
    local.tm_hour = local.tm_min = local.tm_sec = 0;
    local.tm_isdst = -1;
    return ::mktime(&local);
}

/// "2024-01-31", "31-Jan-2024", "1700000000", "3d" ago, "today", "yesterday".
Result<std::int64_t> parse_when(std::string_view text, std::int64_t now) {
    const std::string copy(text);
    for (const char* form : {"%Y-%m-%d", "%d-%b-%Y"}) {
        std::tm local{};
        const char* end = ::strptime(copy.c_str(), form, &local);
        local.tm_isdst = -1;
        if (end && *end == 0) return ::mktime(&local);
    }
    if (iequals(text, "today")) return midnight(now);
    if (iequals(text, "yesterday")) return midnight(midnight(now) - kDay / 2);
    if (auto number = parse_number(text)) {
        constexpr std::uint64_t kSomeTimeAgo = 100'000'000;
        if (*number > kSomeTimeAgo) return static_cast<std::int64_t>(*number);
    }
    const std::size_t digits = text.find_first_not_of("0123456789");
    auto count = parse_number(text.substr(0, digits));
    const std::string unit = digits == std::string_view::npos ? "" : to_lower(text.substr(digits));
    std::int64_t seconds = 0;
    if (unit.starts_with('w')) seconds = 7 * kDay;
    if (unit.starts_with('d')) seconds = kDay;
    if (unit.starts_with('h')) seconds = 60 * 60;
    if (unit.starts_with("mi") || unit == "m") seconds = 60;
    if (unit.starts_with('s')) seconds = 1;
    if (!count || *count > 10'000'000 || seconds == 0)
        return permanent("not a date: " + printable(text) + " (2024-01-31, 31-Jan-2024, 3d)");
    return now - static_cast<std::int64_t>(*count) * seconds;
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
    std::uint64_t factor = 1;
    if (text.ends_with('k') || text.ends_with('K')) factor = 1 << 10;
    if (text.ends_with('m') || text.ends_with('M')) factor = 1 << 20;
    if (text.ends_with('g') || text.ends_with('G')) factor = 1 << 30;
    if (factor > 1) text.remove_suffix(1);
    auto number = parse_number(text);
    if (!number || *number > (std::uint64_t{1} << 40))
        return permanent("not a size: " + printable(text));
    return *number * factor;
}

/// The values of this field, unfolded.
std::string values_of(const std::string& fields, const std::string& name) {
    std::string out;
    bool taking = false;
    for (std::string_view line : split(fields, '\n')) {
        const bool continued = line.starts_with(' ') || line.starts_with('\t');
        const std::size_t colon = line.find(':');
        if (!continued)
            taking = colon != std::string_view::npos && iequals(line.substr(0, colon), name);
        if (!taking) continue;
        out += continued ? trim(line) : trim(line.substr(colon + 1));
        out += '\n';
    }
    return out;
}

bool contains(const std::string& text, const std::string& part) {
    return to_lower(text).find(to_lower(part)) != std::string::npos;
}

bool in_set(const std::string& set, std::uint32_t uid) {
    for (std::string_view range : split(set, ',')) {
        const std::size_t colon = range.find(':');
        const auto first = parse_number(range.substr(0, colon));
        const std::string_view last_text =
            colon == std::string_view::npos ? range : range.substr(colon + 1);
        const auto last =
            last_text == "*" ? std::optional<std::uint64_t>(0xffffffff) : parse_number(last_text);
        if (first && last && uid >= std::min(*first, *last) && uid <= std::max(*first, *last))
            return true;
    }
    return false;
}

}  // namespace

struct Query::Node {
    enum class Kind { all, any, none, test, mailbox };
    Kind kind = Kind::all;
    std::vector<std::unique_ptr<Node>> below;
    Test test;
    std::string pattern;
    bool fields = false;

    bool matches(const Facts& facts) const {
        auto yes = [&facts](const std::unique_ptr<Node>& node) { return node->matches(facts); };
        switch (kind) {
            case Kind::all:
                return std::all_of(below.begin(), below.end(), yes);
            case Kind::any:
                return std::any_of(below.begin(), below.end(), yes);
            case Kind::none:
                return !below.front()->matches(facts);
            case Kind::mailbox:
                return imap::matches(pattern, facts.mailbox, '.');
            case Kind::test:
                return test(facts);
        }
        return false;
    }
    bool wants_fields() const {
        return fields || std::any_of(below.begin(), below.end(),
                                     [](const auto& node) { return node->wants_fields(); });
    }
};

namespace {

using Node = Query::Node;

class QueryParser {
public:
    QueryParser(const std::vector<std::string>& words, std::int64_t now)
        : words_(words), now_(now) {}

    Result<std::unique_ptr<Node>> all(bool in_parentheses, int depth) {
        auto out = std::make_unique<Node>();
        if (depth > kMostNestedQuery) return permanent("the query is nested too deep");
        while (at_ < words_.size() && words_[at_] != ")") {
            TRY(auto one, term(depth));
            out->below.push_back(std::move(one));
        }
        if (in_parentheses != (at_ < words_.size())) return permanent("parentheses do not match");
        if (in_parentheses) ++at_;
        return out;
    }

private:
    Result<std::string> argument() {
        if (at_ == words_.size()) return permanent("the query ends too early");
        return words_[at_++];
    }
    static std::unique_ptr<Node> make(Test test, bool fields = false) {
        auto out = std::make_unique<Node>();
        out->kind = Node::Kind::test;
        out->test = std::move(test);
        out->fields = fields;
        return out;
    }
    static std::unique_ptr<Node> field(std::string name, std::string part) {
        return make(
            [name = std::move(name), part = std::move(part)](const Facts& facts) {
                return contains(values_of(facts.fields, name), part);
            },
            true);
    }

    Result<std::unique_ptr<Node>> term(int depth) {
        TRY(std::string given, argument());
        if (given == "(") return all(true, depth + 1);
        const std::string word = to_upper(given);
        if (word == "NOT" || word == "OR") {
            auto out = std::make_unique<Node>();
            out->kind = word == "OR" ? Node::Kind::any : Node::Kind::none;
            for (int i = word == "OR" ? 2 : 1; i > 0; --i) {
                if (depth > kMostNestedQuery) return permanent("the query is nested too deep");
                TRY(auto one, term(depth + 1));
                out->below.push_back(std::move(one));
            }
            return out;
        }
        if (word == "ALL") return std::make_unique<Node>();
        for (const FlagWord& known : kFlagWords) {
            const store::Flags flag = known.flag;
            if (word == known.word)
                return make([flag](const Facts& facts) { return facts.message.flags & flag; });
            if (word == "UN" + std::string(known.word))
                return make([flag](const Facts& facts) { return !(facts.message.flags & flag); });
        }
        return with_argument(word);
    }

    Result<std::unique_ptr<Node>> with_argument(const std::string& word) {
        static constexpr std::string_view kFields[] = {"SUBJECT", "FROM", "TO", "CC", "BCC"};
        TRY(std::string value, argument());
        if (std::find(std::begin(kFields), std::end(kFields), word) != std::end(kFields))
            return field(word, value);
        if (word == "HEADER") {
            TRY(std::string part, argument());
            return field(value, part);
        }
        if (word == "MAILBOX") {
            auto out = std::make_unique<Node>();
            out->kind = Node::Kind::mailbox;
            out->pattern = value;
            return out;
        }
        if (word == "UID")
            return make([value](const Facts& facts) { return in_set(value, facts.message.uid); });
        if (word == "KEYWORD" || word == "UNKEYWORD") {
            const bool wanted = word == "KEYWORD";
            return make([value, wanted](const Facts& facts) {
                auto same = [&](const std::string& name) { return iequals(name, value); };
                return std::any_of(facts.keywords.begin(), facts.keywords.end(), same) == wanted;
            });
        }
        if (word == "LARGER" || word == "SMALLER") {
            TRY(std::uint64_t bytes, parse_bytes(value));
            const bool larger = word == "LARGER";
            return make([bytes, larger](const Facts& facts) {
                return larger ? facts.message.size > bytes : facts.message.size < bytes;
            });
        }
        return by_date(word, value);
    }

    Result<std::unique_ptr<Node>> by_date(const std::string& word, const std::string& value) {
        const bool saved = word.starts_with("SAVED");
        const std::string kind = saved ? word.substr(5) : word;
        if (kind != "BEFORE" && kind != "SINCE" && kind != "ON")
            return permanent("unknown word in the query: " + printable(word));
        TRY(std::int64_t when, parse_when(value, now_));
        return make([=](const Facts& facts) {
            const std::int64_t date = saved ? facts.message.save_date : facts.message.internal_date;
            if (kind == "BEFORE") return date < when;
            return date >= when && (kind == "SINCE" || date < midnight(when) + kDay);
        });
    }

    const std::vector<std::string>& words_;
    std::size_t at_ = 0;
    const std::int64_t now_;
};

}  // namespace

Query::Query(std::unique_ptr<Node> root) : root_(std::move(root)) {}
Query::Query(Query&&) noexcept = default;
Query& Query::operator=(Query&&) noexcept = default;
Query::~Query() = default;

Result<Query> Query::parse(const std::vector<std::string>& words, std::int64_t now) {
    TRY(auto root, QueryParser(words, now).all(false, 0));
    return Query(std::move(root));
}

bool Query::wants_fields() const {
    return root_->wants_fields();
}

/// Only what stands at the top rules a mailbox out.
bool Query::wants_mailbox(const std::string& name) const {
    for (const auto& node : root_->below)
        if (node->kind == Node::Kind::mailbox && !imap::matches(node->pattern, name, '.'))
            return false;
    return true;
}

bool Query::matches(const Facts& facts) const {
    return root_->matches(facts);
}

}  // namespace facteur::tool
