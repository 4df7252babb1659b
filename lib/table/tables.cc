#include "lib/table/tables.h"

#include <algorithm>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/config/param.h"
#include "lib/table/asking.h"
#include "lib/table/clients.h"
#include "lib/table/database.h"
#include "lib/table/key_values.h"
#include "lib/table/memory.h"
#include "lib/table/module_loader.h"
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

/// randmap:{ one, { two words } }
std::vector<std::string> random_values(const std::string& name) {
    std::vector<std::string> values;
    for (const std::string& word :
         conf::parse_list(std::string_view(name).substr(1, name.size() - 2))) {
        std::string_view value = word;
        if (value.starts_with('{') && value.ends_with('}'))
            value = value.substr(1, value.size() - 2);
        values.emplace_back(trim(value));
    }
    return values;
}

struct RuleType {
    std::string_view type;
    std::unique_ptr<PatternLanguage> (*language)();
};
constexpr RuleType kRuleTypes[] = {
    {"regexp", posix_patterns}, {"pcre", perl_patterns}, {"cidr", networks}};

}  // namespace

std::vector<std::string> Tables::types() {
    return {"aliases", "auth",    "btree", "cdb",      "cidr",     "environ", "fail",
            "hash",    "inline",  "ldap",  "lmdb",     "memcache", "mysql",   "pcre",
            "pgsql",   "pipemap", "proxy", "randmap",  "redis",    "regexp",  "socketmap",
            "sqlite",  "static",  "tcp",   "texthash", "unionmap", "unix"};
}

bool Tables::is_client(const std::string& type) {
    if (type == "tcp" || type == "socketmap" || type == "memcache") return true;
    const auto& modules = module_types();
    return std::find(modules.begin(), modules.end(), type) != modules.end();
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

std::unique_ptr<Dictionary> Tables::open_client(const std::string& type, const std::string& whole,
                                                const std::string& name) {
    ClientSurroundings around;
    around.main_cf = surroundings_.main_cf;
    around.module_folders = module_folders(surroundings_.daemon_directory);
    around.timeout = surroundings_.timeout;
    RemoteTable::Read read;
    bool patterns = false;
    if (type == "tcp" || type == "socketmap") {
        patterns = true;  // socketmap_table(5), tcp_table(5): no partial keys
        read = [type, name, timeout = around.timeout] {
            return type == "tcp" ? make_tcp_client(name, timeout)
                                 : make_socketmap_client(name, timeout);
        };
    } else {
        read = [this, type, name, around]() -> Result<std::unique_ptr<Client>> {
            TRY(ClientFile file, ClientFile::read(name, around.main_cf));
            if (type == "ldap") return make_ldap_client(file, *this, around);
            if (type == "memcache") return make_memcache_client(file, *this);
            return make_sql_client(type, file, *this, around);
        };
    }
    RemoteTable::Around places;
    places.scope = surroundings_.workers ? surroundings_.scope : nullptr;
    places.connections = surroundings_.connections;
    const bool has_file = !patterns && ClientFile::is_path(name);
    auto table = std::make_unique<RemoteTable>(whole, has_file ? name : std::string(),
                                               std::move(read), places, patterns);
    if (type != "memcache") return table;
    auto file = ClientFile::read(name, around.main_cf);
    const std::string backup = file ? file->get("backup", "") : std::string();
    if (backup.empty()) return table;
    return std::make_unique<BackedTable>(whole, std::move(table), get(backup));
}

std::unique_ptr<Dictionary> Tables::open(const std::string& whole) {
    const auto colon = whole.find(':');
    if (colon == std::string::npos) {
        return failing(whole, "expecting type:name, as in hash:/etc/aliases or inline:{a=b}");
    }
    const std::string type = whole.substr(0, colon);
    const std::string name = whole.substr(colon + 1);
    if (type == "proxy") return open(name);  // every table is asked through addressd anyway
    if (auto table = open_by_type(type, whole, name)) return table;
    std::string known;
    for (const std::string& each : types())
        known += " " + each;
    return failing(whole, "unknown table type \"" + printable(type, 40) + "\"; known are:" + known);
}

// Tables that stand in main.cf itself.
std::unique_ptr<Dictionary> Tables::open_literal(const std::string& type, const std::string& whole,
                                                 const std::string& name) {
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
    if (type == "randmap") {
        if (!name.starts_with('{') || !name.ends_with('}'))
            return failing(whole, "write randmap:{value, value}");
        auto values = random_values(name);
        if (values.empty()) return failing(whole, "it names no values");
        return std::make_unique<RandomTable>(whole, std::move(values));
    }
    if (type == "environ") return std::make_unique<EnvironmentTable>(whole);
    if (type == "fail") return std::make_unique<FailingTable>(whole, "it always fails");
    if (type == "unionmap" || type == "pipemap") return combine(type, whole, name);
    return nullptr;
}

std::unique_ptr<Dictionary> Tables::open_by_type(const std::string& type, const std::string& whole,
                                                 const std::string& name) {
    WorkerPool* workers = surroundings_.workers;
    if (type == "texthash" || type == "aliases") {
        const Parse parse = type == "aliases" ? parse_aliases : parse_map;
        return std::make_unique<ReloadingTable>(whole, name, text_maker(whole, name, parse), false,
                                                workers);
    }
    if (const auto format = format_named(type)) {
        return std::make_unique<DatabaseTable>(whole, *format, database_path(*format, name),
                                               surroundings_.scope, surroundings_.fold);
    }
    for (const RuleType& rules : kRuleTypes) {
        if (type != rules.type) continue;
        auto make = rules_maker(whole, rules.language);
        if (name.starts_with('{')) return make(inline_rules(name));
        return std::make_unique<ReloadingTable>(whole, name, std::move(make), true, workers);
    }
    if (type == "auth") return std::make_unique<AuthTable>(whole, surroundings_.auth);
    if (type == "unix" && name == "passwd.byname")
        return std::make_unique<SystemTable>(whole, SystemTable::Kind::passwd, workers);
    if (type == "unix" && name == "group.byname")
        return std::make_unique<SystemTable>(whole, SystemTable::Kind::group, workers);
    if (is_client(type)) return open_client(type, whole, name);
    return open_literal(type, whole, name);
}

}  // namespace facteur::table
