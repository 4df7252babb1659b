#include "addressd/questions.h"

#include <algorithm>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/yield.h"

namespace facteur::addressd {

Questions::Questions(const Settings& settings, const Classes& classes, table::Tables& tables)
    : settings_(settings), classes_(classes), tables_(tables) {}

Result<void> Questions::is_named(const std::string& table) const {
    if (settings_.named_tables.contains(table)) return {};
    log_warning("asked for table " + printable(table, 200) + ", which main.cf does not name");
    return temporary("table " + printable(table, 200) + " is not in main.cf or master.cf");
}

Task<Result<std::optional<std::string>>> Questions::access(ipc::Access question) const {
    CO_TRY_VOID(is_named(question.table));
    const auto& lists = settings_.parent_domain_matches_subdomains();
    const bool parents = std::find(lists.begin(), lists.end(), "smtpd_access_maps") != lists.end();
    std::vector<table::Key> keys;
    switch (question.kind) {
        case ipc::AccessKey::address:
            keys = table::access_address_keys(question.key, settings_.delimiters(), parents);
            break;
        case ipc::AccessKey::name:
        case ipc::AccessKey::client:
            keys = table::domain_keys(question.key, parents);
            break;
        case ipc::AccessKey::exact:
            keys.push_back(table::Key{question.key, true, false});
            break;
    }
    if (question.kind == ipc::AccessKey::client) {
        for (table::Key& key : table::network_keys(question.client_ip))
            keys.push_back(std::move(key));
    }
    std::vector<std::string> names;
    names.push_back(std::move(question.table));
    const table::Maps maps(tables_, names);
    CO_TRY(auto hit, co_await maps.search(std::move(keys)));
    if (!hit) co_return std::nullopt;
    co_return std::move(hit->value);
}

Task<Result<std::optional<std::string>>> Questions::lookup(ipc::Lookup question) const {
    for (const std::string& table : question.tables) {
        CO_TRY_VOID(is_named(table));
    }
    const table::Maps maps(tables_, question.tables);
    std::vector<table::Key> keys;
    if (question.kind == ipc::LookupKey::address) {
        CO_TRY(keys, co_await classes_.keys(question.key));
    } else if (question.kind == ipc::LookupKey::domain) {
        keys = table::domain_keys(question.key, false);
    } else {
        keys.push_back(table::Key{question.key, true, false});
    }
    CO_TRY(auto hit, co_await maps.search(std::move(keys)));
    if (!hit) co_return std::nullopt;
    co_return std::move(hit->value);
}

/// Others are answered between the pieces of a long question.
Task<Result<ipc::LookupManyReply>> Questions::lookup_many(ipc::LookupMany question) const {
    constexpr std::size_t kPiece = 32;
    for (const std::string& table : question.tables) {
        CO_TRY_VOID(is_named(table));
    }
    const table::Maps maps(tables_, question.tables);
    ipc::LookupManyReply reply;
    for (std::size_t i = 0; i < question.keys.size(); ++i) {
        if (i % kPiece == kPiece - 1) co_await Yield();
        CO_TRY(auto value, co_await maps.find(std::move(question.keys[i])));
        if (!value) continue;
        reply.found.push_back(static_cast<std::uint32_t>(i));
        reply.values.push_back(*std::move(value));
    }
    co_return reply;
}

Task<Result<bool>> Questions::match(ipc::Match question) const {
    const auto& lists = settings_.parent_domain_matches_subdomains();
    const bool parents = std::find(lists.begin(), lists.end(), question.list) != lists.end();
    for (std::string_view pattern : question.patterns) {
        while (pattern.starts_with('!'))
            pattern.remove_prefix(1);
        const std::string word(pattern);
        if (word.starts_with('/') && !settings_.named_files.contains(word))
            co_return temporary(word + " is not in main.cf or master.cf");
        const bool address = table::address_bytes(word.substr(0, word.find('/'))).has_value();
        if (!address && word.find(':') != std::string::npos && !word.starts_with('[')) {
            CO_TRY_VOID(is_named(word));
        }
    }
    const table::MatchList list(tables_, question.patterns, parents);
    if (!question.name.empty()) {
        CO_TRY(bool name, co_await list.matches_name(std::move(question.name)));
        if (name) co_return true;
    }
    if (question.ip.empty()) co_return false;
    co_return co_await list.matches_address(std::move(question.ip));
}

}  // namespace facteur::addressd
