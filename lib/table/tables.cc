#include "lib/table/tables.h"

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/config/param.h"
#include "lib/table/asking.h"
#include "lib/table/database.h"
#include "lib/table/key_values.h"
#include "lib/table/memory.h"
#include "lib/table/reloading.h"
#include "lib/table/rules.h"

namespace facteur::table {
namespace {

void log_problems(const std::vector<conf::Problem>& problems) {
    for (const auto& problem : problems)
        log_warning(problem.where_and_what());
}

std::unique_ptr<Dictionary> failing(const std::string& name, const std::string& why) {
    log_warning("table " + name + ": " + why);
    return std::make_unique<FailingTable>(name, why);
}

ReloadingTable::Make rules_maker(const std::string& whole,
                                 std::unique_ptr<PatternLanguage> (*language)()) {
    return [whole, language](const std::string& text) -> std::unique_ptr<Dictionary> {
        std::vector<conf::Problem> problems;
        auto table = std::make_unique<RuleTable>(whole, text, *language(), problems);
        log_problems(problems);
        return table;
    };
}

using Parse = Source (*)(std::string_view text, const std::string& file);

ReloadingTable::Make text_maker(const std::string& whole, const std::string& path, Parse parse) {
    return [whole, path, parse](const std::string& text) -> std::unique_ptr<Dictionary> {
        Source source = parse(text, path);
        log_problems(source.problems);
        return std::make_unique<MemoryTable>(whole, std::move(source.entries));
    };
}

/// regexp:{ {/a/ b}, {/c/ d} } and cidr:{ … }: the rules stand in main.cf itself.
std::string inline_rules(const std::string& name) {
    std::string text;
    for (const std::string& word :
         conf::parse_list(std::string_view(name).substr(1, name.size() - 2))) {
        std::string_view rule = word;
        if (rule.starts_with('{') && rule.ends_with('}')) rule = rule.substr(1, rule.size() - 2);
        text.append(trim(rule)).append("\n");
    }
    return text;
}

struct RuleType {
    std::string_view type;
    std::unique_ptr<PatternLanguage> (*language)();
};
constexpr RuleType kRuleTypes[] = {
    {"regexp", posix_patterns}, {"pcre", perl_patterns}, {"cidr", networks}};

}  // namespace

std::vector<std::string> Tables::types() {
    return {"aliases", "auth",    "btree", "cidr",   "fail",   "hash",     "inline",   "lmdb",
            "pcre",    "pipemap", "proxy", "regexp", "static", "texthash", "unionmap", "unix"};
}

Dictionary& Tables::get(const std::string& type_and_name) {
    auto& place = open_[type_and_name];
    if (!place) place = open(type_and_name);
    return *place;
}

std::unique_ptr<Dictionary> Tables::combine(const std::string& type, const std::string& whole,
                                            const std::string& name) {
    if (!name.starts_with('{') || !name.ends_with('}'))
        return failing(whole, "write " + type + ":{type:name, type:name}");
    std::vector<Dictionary*> parts;
    for (const std::string& part :
         conf::parse_list(std::string_view(name).substr(1, name.size() - 2)))
        parts.push_back(&get(part));
    if (parts.empty()) return failing(whole, "it names no tables");
    const auto kind = type == "unionmap" ? CombinedTable::Kind::all : CombinedTable::Kind::chain;
    return std::make_unique<CombinedTable>(whole, kind, std::move(parts));
}

std::unique_ptr<Dictionary> Tables::open(const std::string& whole) {
    const auto colon = whole.find(':');
    if (colon == std::string::npos) {
        return failing(whole, "expecting type:name, as in hash:/etc/aliases or inline:{a=b}");
    }
    const std::string type = whole.substr(0, colon);
    const std::string name = whole.substr(colon + 1);
    WorkerPool* workers = surroundings_.workers;

    if (type == "proxy") return open(name);  // every table is asked through addressd anyway
    if (type == "texthash" || type == "aliases") {
        const Parse parse = type == "aliases" ? parse_aliases : parse_map;
        return std::make_unique<ReloadingTable>(whole, name, text_maker(whole, name, parse), false,
                                                workers);
    }
    if (type == "hash" || type == "btree" || type == "lmdb") {
        const Format format = type == "hash"    ? Format::hash
                              : type == "btree" ? Format::btree
                                                : Format::lmdb;
        return std::make_unique<DatabaseTable>(whole, format, database_path(format, name),
                                               surroundings_.scope);
    }
    for (const RuleType& rules : kRuleTypes) {
        if (type != rules.type) continue;
        auto make = rules_maker(whole, rules.language);
        if (name.starts_with('{')) return make(inline_rules(name));
        return std::make_unique<ReloadingTable>(whole, name, std::move(make), true, workers);
    }
    if (type == "inline") {
        auto entries = parse_inline(name);
        if (!entries) return failing(whole, entries.error().text);
        return std::make_unique<MemoryTable>(whole, *std::move(entries));
    }
    if (type == "static") {
        std::string_view value = name;
        if (value.starts_with('{') && value.ends_with('}'))
            value = trim(value.substr(1, value.size() - 2));
        return std::make_unique<StaticTable>(whole, std::string(value));
    }
    if (type == "fail") return std::make_unique<FailingTable>(whole, "it always fails");
    if (type == "auth") return std::make_unique<AuthTable>(whole, surroundings_.auth);
    if (type == "unix" && name == "passwd.byname")
        return std::make_unique<SystemTable>(whole, SystemTable::Kind::passwd, workers);
    if (type == "unix" && name == "group.byname")
        return std::make_unique<SystemTable>(whole, SystemTable::Kind::group, workers);
    if (type == "unionmap" || type == "pipemap") return combine(type, whole, name);
    std::string known;
    for (const std::string& each : types())
        known += " " + each;
    return failing(whole, "unknown table type \"" + printable(type, 40) + "\"; known are:" + known);
}

}  // namespace facteur::table
