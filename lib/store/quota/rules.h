#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace facteur::store::quota {

/// How much; 0 is no limit.
struct Limits {
    std::uint64_t bytes = 0;
    std::uint64_t messages = 0;
    bool operator==(const Limits&) const = default;
};

/// What is in use, or by how much it changes.
struct Usage {
    std::int64_t bytes = 0;
    std::int64_t messages = 0;
    bool operator==(const Usage&) const = default;
};

/// "MAILBOX:storage=1G:messages=+10%": limits of one mailbox, or with "*" or "?" as the whole name,
/// of all that have none.  The name may hold the wildcards * and ?.
struct Rule {
    struct Limit {
        enum class Kind { absolute, more, percent, more_percent };
        Kind kind = Kind::absolute;
        std::int64_t value = 0;
        bool operator==(const Limit&) const = default;
    };
    std::string mailbox;
    bool ignored = false;  ///< its messages count nowhere
    std::optional<Limit> bytes, messages;
};
/// As Dovecot's quota_rule: storage=SIZE (in kilobytes without a unit), bytes=SIZE, messages=N,
/// ignore; a sign makes it relative to the default rule, % a part of it.
Result<Rule> parse_rule(std::string_view text);

/// "storage=95% quota-warning 95 %u": when the use crosses this much of the limit, upwards, or with
/// "-" in front downwards, the command is run.
struct Warning {
    bool below = false;
    bool by_messages = false;
    std::uint64_t percent = 0;  ///< of the limit
    std::uint64_t value = 0;    ///< without percent: bytes or messages
    std::string command;
};
Result<Warning> parse_warning(std::string_view text);

/// All that is configured for one user.
class Rules {
public:
    /// From "quota=maildir:User quota", "quota_rule=…", "quota_rule2=…", "quota_grace=10%" and so
    /// on.  Nothing when there is no quota.
    static Result<std::optional<Rules>> parse(const std::vector<std::string>& settings);

    const std::string& name() const { return name_; }
    /// Of the quota root.
    Limits limits() const { return limits_in("*"); }
    /// For saving into this mailbox.
    Limits limits_in(std::string_view mailbox) const;
    bool ignored(std::string_view mailbox) const;
    /// Bytes by which the last message may go beyond.
    std::uint64_t grace() const;
    std::uint64_t max_mail_size() const { return max_mail_size_; }
    bool enforced() const { return enforced_; }
    const std::string& exceeded_message() const { return exceeded_message_; }
    /// The first that this change crosses, in their order.
    const Warning* crossed(const Usage& before, const Usage& after) const;

private:
    const Rule* rule_for(std::string_view mailbox) const;
    Result<void> take(std::string_view name, std::string_view value);

    std::string name_ = "User quota";
    std::vector<Rule> rules_;
    std::vector<Warning> warnings_;
    Rule::Limit grace_{Rule::Limit::Kind::percent, 10};
    std::uint64_t max_mail_size_ = 0;
    bool enforced_ = true;
    bool on_ = false;
    std::string exceeded_message_ = "Quota exceeded (mailbox for user is full)";
};

}  // namespace facteur::store::quota
