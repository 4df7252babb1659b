#include "lib/table/ldap.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/config/param.h"
#include "lib/table/clients.h"
#include "lib/table/module_loader.h"

namespace facteur::table {
namespace {

constexpr std::size_t kLdapResultLimit = 1 << 20;
constexpr std::size_t kSearchLimit = 100000;

bool lists(const std::vector<std::string>& names, std::string_view attribute) {
    // "mail;lang-fr" belongs to "mail" (RFC 4512 section 2.5).
    const std::string_view plain = attribute.substr(0, attribute.find(';'));
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        return iequals(name, attribute) || iequals(name, plain);
    });
}

bool has_any(const DirectoryEntry& entry, const std::vector<std::string>& names) {
    return std::any_of(entry.attributes.begin(), entry.attributes.end(), [&](const auto& each) {
        return !each.second.empty() && lists(names, each.first);
    });
}

/// "mail" and "mail;binary" go together when only one of them has options (ldap_table(5)).
std::vector<std::string> wanted_of_url(const std::vector<std::string>& in_url,
                                       const std::vector<std::string>& in_table) {
    std::vector<std::string> both;
    for (const std::string& url : in_url) {
        for (const std::string& table : in_table) {
            const bool same_name =
                iequals(url.substr(0, url.find(';')), table.substr(0, table.find(';')));
            const bool url_options = url.find(';') != std::string::npos;
            const bool table_options = table.find(';') != std::string::npos;
            if (!same_name || (url_options && table_options && !iequals(url, table))) continue;
            both.push_back(url_options ? url : table);
        }
    }
    return both;
}

}  // namespace

std::vector<std::string> LdapRules::attributes() const {
    std::vector<std::string> all;
    for (const auto* group : {&terminals, &leaves, &results, &specials})
        for (const std::string& name : *group)
            if (std::find(all.begin(), all.end(), name) == all.end()) all.push_back(name);
    return all;
}

Result<void> LdapLookup::add_values(const std::vector<std::string>& values) {
    for (const std::string& value : values) {
        if (!rules_.expansion.append(result_, value, key_)) continue;
        if (rules_.expansion_limit > 0 && ++expansion_ > rules_.expansion_limit)
            return permanent("more results than expansion_limit for \"" + printable(key_, 80) +
                             "\"");
        if (result_.size() > kLdapResultLimit) return permanent("a result of more than 1 MB");
    }
    return {};
}

/// A distinguished name, or an LDAP URL.
DirectorySearch LdapLookup::search_of(const std::string& value) const {
    DirectorySearch search;
    if (auto url = directory_.parse_url(value)) {
        search = std::move(url->search);
        search.attributes = url->names_attributes
                                ? wanted_of_url(search.attributes, rules_.attributes())
                                : rules_.attributes();
        if (search.attributes.empty()) search.attributes = {"1.1"};  // none, RFC 4511 4.5.1.8
    } else {
        search.base = value;
        search.scope = "base";
        search.attributes = rules_.attributes();
    }
    search.size_limit = rules_.size_limit;
    return search;
}

Result<void> LdapLookup::follow(const std::vector<std::string>& values, std::size_t depth) {
    if (values.empty()) return {};
    if (depth + 1 >= rules_.recursion_limit)
        return permanent("recursion_limit is reached for \"" + printable(key_, 80) + "\"");
    for (const std::string& value : values) {
        TRY_VOID(run(search_of(value), depth + 1));
    }
    return {};
}

Result<void> LdapLookup::run(const DirectorySearch& search, std::size_t depth) {
    if (++searches_ > kSearchLimit) return permanent("groups without end");
    TRY(auto entries, directory_.search(search));
    const auto limit = static_cast<std::size_t>(rules_.size_limit);
    if (limit > 0 && entries.size() > limit) return permanent("size_limit is exceeded");
    for (const DirectoryEntry& entry : entries) {
        TRY_VOID(take(entry, depth));
    }
    return {};
}

// Terminal attributes preclude all others; special ones preclude leaves.
Result<void> LdapLookup::take(const DirectoryEntry& entry, std::size_t depth) {
    const bool terminal = has_any(entry, rules_.terminals);
    const bool leaf = !has_any(entry, rules_.specials);
    for (const auto& [name, values] : entry.attributes) {
        if (terminal) {
            if (!lists(rules_.terminals, name)) continue;
            TRY_VOID(add_values(values));
            continue;
        }
        if (lists(rules_.terminals, name)) continue;
        if (lists(rules_.leaves, name)) {
            if (!leaf) continue;
            TRY_VOID(add_values(values));
        } else if (lists(rules_.results, name)) {
            TRY_VOID(add_values(values));
        } else if (lists(rules_.specials, name)) {
            TRY_VOID(follow(values, depth));
        }
    }
    return {};
}

Found LdapLookup::find(const std::string& key) {
    key_ = key;
    const auto for_dn = [](std::string_view text) -> Result<std::string> {
        return quoted_for_dn(text);
    };
    const auto for_filter = [](std::string_view text) -> Result<std::string> {
        return quoted_for_filter(text);
    };
    TRY(auto base, rules_.expansion.query(0, key, for_dn));
    TRY(auto filter, rules_.expansion.query(1, key, for_filter));
    if (!base || !filter) return std::nullopt;
    DirectorySearch first;
    first.base = *base;
    first.scope = rules_.scope;
    first.filter = *filter;
    first.attributes = rules_.attributes();
    first.size_limit = rules_.size_limit;
    TRY_VOID(run(first, 0));
    if (result_.empty()) return std::nullopt;
    return result_;
}

namespace {

struct LdapSettings {
    const Module* module = nullptr;
    ModuleOptions options;
    int timeout = 10;
    LdapRules rules;
    std::unique_ptr<Hosts> hosts;
};

class LdapBackend : public Backend {
public:
    explicit LdapBackend(std::shared_ptr<LdapSettings> settings) : settings_(std::move(settings)) {}

    Found ask(const std::string& key) override {
        if (key.find('\0') != std::string::npos) return std::nullopt;
        if (directory_) {
            Found found = LdapLookup(settings_->rules, *directory_).find(key);
            if (found || !found.error().is_temporary()) return found;
            directory_.reset();
        }
        Found last = temporary("no server works; the next attempt is within a minute");
        for (const std::string& host : settings_->hosts->choices()) {
            Place place;
            place.host = host;
            place.timeout = settings_->timeout;
            auto connected = settings_->module->connect_directory(place, settings_->options);
            if (!connected) {
                settings_->hosts->failed(host);
                last = std::unexpected(std::move(connected).error());
                continue;
            }
            directory_ = *std::move(connected);
            last = LdapLookup(settings_->rules, *directory_).find(key);
            if (last || !last.error().is_temporary()) {
                settings_->hosts->works(host);
                return last;
            }
            directory_.reset();
            settings_->hosts->failed(host);
        }
        return last;
    }

private:
    std::shared_ptr<LdapSettings> settings_;
    std::unique_ptr<Directory> directory_;
};

/// server_host: names, host:port or URLs, with server_port for those that have none.
std::vector<std::string> urls_of(const ClientFile& file) {
    std::vector<std::string> urls;
    const std::string port = file.get("server_port", "389");
    const std::string hosts = file.get("server_host", "localhost");
    for (const std::string& host : conf::parse_list(hosts)) {
        if (host.find("://") != std::string::npos) {
            urls.push_back(host);
        } else {
            const auto colon = host.rfind(':');
            const bool has_port =
                colon != std::string::npos && host.find(']', colon) == std::string::npos;
            urls.push_back("ldap://" + host + (has_port ? "" : ":" + port));
        }
    }
    return urls;
}

Result<void> read_rules(const ClientFile& file, LdapRules& rules) {
    rules.scope = to_lower(file.get("scope", "sub"));
    if (rules.scope != "sub" && rules.scope != "one" && rules.scope != "base")
        return permanent("scope = " + printable(rules.scope, 20) + ": write sub, one or base");
    if (!file.has("search_base")) return permanent("search_base is missing");
    rules.results = conf::parse_list(file.get("result_attribute", "maildrop"));
    rules.terminals = conf::parse_list(file.get("terminal_result_attribute", ""));
    rules.leaves = conf::parse_list(file.get("leaf_result_attribute", ""));
    rules.specials = conf::parse_list(file.get("special_result_attribute", ""));
    TRY(auto recursion, file.number("recursion_limit", 1000, 1, 10000));
    TRY(auto expansion, file.number("expansion_limit", 0, 0, 1 << 30));
    TRY(auto size, file.number("size_limit", expansion, 0, 1 << 30));
    rules.recursion_limit = static_cast<std::size_t>(recursion);
    rules.expansion_limit = static_cast<std::size_t>(expansion);
    rules.size_limit = static_cast<int>(size);
    TRY_VOID(rules.expansion.add_query(file.get("search_base", "")));
    TRY_VOID(rules.expansion.add_query(file.get("query_filter", "(mailacceptinggeneralid=%s)")));
    return rules.expansion.set_result_format(
        file.get_either("result_format", "result_filter", "%s"));
}

}  // namespace

Result<std::unique_ptr<Client>> make_ldap_client(const ClientFile& file, Tables& tables,
                                                 const ClientSurroundings& around) {
    auto settings = std::make_shared<LdapSettings>();
    TRY(settings->module, load_module("ldap", around.module_folders));
    if (!settings->module->connect_directory) return permanent("its module cannot do this");
    for (const std::string_view name : words(settings->module->options, " ")) {
        const std::string option(name);
        if (file.has(option)) settings->options.emplace_back(option, file.get(option, ""));
    }
    TRY(auto timeout, file.seconds("timeout", 10));
    settings->timeout = static_cast<int>(timeout);
    TRY_VOID(read_rules(file, settings->rules));
    settings->hosts = std::make_unique<Hosts>(urls_of(file), true);
    auto client = std::make_unique<Client>();
    client->domains = domains_of(file, tables);
    client->patience = std::chrono::seconds(timeout);
    client->make = [settings]() -> std::unique_ptr<Backend> {
        return std::make_unique<LdapBackend>(settings);
    };
    return client;
}

}  // namespace facteur::table
