#pragma once

#include <optional>
#include <string>

#include "addressd/classes.h"
#include "lib/smtp/srs.h"

namespace facteur::addressd {

/// SRS (srs_domain and its friends): the senders of mail that is sent on to other hosts, and the
/// way back of its bounces.
class SenderRewriting {
public:
    /// Reads srs_secrets_file; without one that can be read, what needs it is put off.
    SenderRewriting(const Settings& settings, const Classes& classes, table::Tables& tables);

    /// The sender that a forwarded message has on its way to this recipient; empty: its own,
    /// because it is ours or the recipient is.
    Task<Result<std::string>> sender_for(std::string sender, std::string recipient) const;
    /// Whether mail that nobody here sends on needs it, too.
    bool always() const { return settings_.srs.always_rewrite(); }
    bool is_ours(const std::string& address) const { return srs_ && srs_->is_ours(address); }
    /// Whom an address of ours means.  Error 5.7.1: nobody, it is forged or too old.
    Result<std::string> original(const std::string& address) const;

private:
    const Settings& settings_;
    const Classes& classes_;
    table::MatchList excluded_;
    std::optional<smtp::Srs> srs_;
};

}  // namespace facteur::addressd
