#include "addressd/sender_rewriting.h"

#include <ctime>

#include "addressd/rewrite.h"
#include "lib/base/log.h"
#include "lib/base/read_file.h"
#include "lib/base/text.h"

namespace facteur::addressd {
namespace {

/// One secret a line; comments and short ones are left out.
std::vector<std::string> read_secrets(const std::string& path) {
    std::vector<std::string> secrets;
    auto text = read_file(path);
    if (!text) {
        log_warning("srs_secrets_file: " + text.error().text);
        return secrets;
    }
    for (std::string_view line : split(*text, '\n')) {
        const std::string_view secret = trim(line);
        if (!secret.empty() && secret.front() != '#') secrets.emplace_back(secret);
    }
    if (secrets.empty()) log_warning("srs_secrets_file: no secret in " + path);
    return secrets;
}

smtp::SrsRules rules_of(const SrsSettings& settings) {
    smtp::SrsRules rules;
    rules.domain = settings.domain();
    rules.secrets = read_secrets(settings.secrets_file());
    rules.separator = settings.separator().empty() ? '=' : settings.separator().front();
    rules.hash_length = static_cast<std::size_t>(settings.hash_length());
    rules.hash_minimum = static_cast<std::size_t>(settings.hash_minimum());
    rules.max_age = settings.max_age().count() / 86400;
    return rules;
}

}  // namespace

SenderRewriting::SenderRewriting(const Settings& settings, const Classes& classes,
                                 table::Tables& tables)
    : settings_(settings),
      classes_(classes),
      excluded_(tables, settings.srs.exclude_domains(), false) {
    if (!settings.srs.domain().empty()) srs_.emplace(rules_of(settings.srs));
}

Task<Result<std::string>> SenderRewriting::sender_for(std::string sender,
                                                      std::string recipient) const {
    const std::string domain(domain_of(sender));
    if (!srs_ || domain.empty()) co_return std::string();
    CO_TRY(auto theirs, co_await classes_.of_domain(std::string(domain_of(recipient))));
    if (theirs != ipc::AddressClass::other) co_return std::string();
    CO_TRY(auto ours, co_await classes_.of_domain(domain));
    if (ours != ipc::AddressClass::other) co_return std::string();
    if (iequals(domain, settings_.srs.domain())) co_return std::string();
    CO_TRY(bool is_excluded, co_await excluded_.matches_name(domain));
    if (is_excluded) co_return std::string();
    auto made = srs_->forward(sender, std::time(nullptr));
    if (made) co_return made;
    if (made.error().is_temporary()) co_return std::unexpected(std::move(made).error());
    co_return std::string();  // no address that can be taken apart again
}

Result<std::string> SenderRewriting::original(const std::string& address) const {
    return srs_->reverse(address, std::time(nullptr));
}

}  // namespace facteur::addressd
