#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/time.h"
#include "lib/ipc/ways/policy.h"
#include "lib/net/address.h"
#include "lib/smtp/reply.h"
#include "smtpd/screen_settings.h"

namespace facteur::smtpd {

/// postscreen's tests, in the order in which a client's record has them.
enum class ScreenTest : std::uint8_t { pregreet, dnsbl, pipelining, non_smtp, bare_newline };
inline constexpr std::size_t kScreenTests = 5;

/// What the tests say about one client, in one session: which are to be done, passed and failed,
/// and how its mail is refused if it failed one that counts.
class Screen {
public:
    Screen(const ScreenSettings& settings, const Address& client);

    /// What is known of the client; the tests whose results are too old are to be done.
    void remember(const ipc::ScreenRecord& record, std::int64_t now);
    bool is_new() const { return is_new_; }
    bool to_do(ScreenTest test) const { return to_do_[index(test)]; }
    bool nothing_to_do() const;
    /// Deep tests, which need a conversation, are to be done.
    bool is_deep() const;

    /// The client did well, and is not tested again before the time is over.
    void pass(ScreenTest test, std::int64_t until);
    /// Nothing more is asked, whatever was to be done: its score on DNS lists is that good.
    void pass_all(std::int64_t until);
    /// Everything that was not failed until now, at the end of the conversation that is tested.
    void pass_deep(std::int64_t now);
    /// What the client hears when it is dropped now; nothing: it goes on.
    std::optional<smtp::Reply> fail(ScreenTest test, std::int64_t now, smtp::Reply reply);
    /// The same for a client that postscreen_access_list refuses.
    std::optional<smtp::Reply> deny();
    /// It may be tested, but at this address it cannot pass.
    void veto();

    /// Its mail is refused with this, if it is.
    const std::optional<smtp::Reply>& verdict() const { return verdict_; }
    bool failed() const { return failed_; }
    /// What is to be remembered; nothing: what was known still is.
    std::optional<ipc::ScreenRecord> record() const;
    /// It may go on to the server proper: all is done and nothing failed.
    bool is_through() const { return may_pass_ && !failed_ && nothing_to_do(); }

    /// "[192.0.2.1]:4711": how log lines name the client.
    const std::string& who() const { return who_; }
    void count_command() { ++commands_; }
    int commands() const { return commands_; }

private:
    static std::size_t index(ScreenTest test) { return static_cast<std::size_t>(test); }
    std::optional<smtp::Reply> act(ScreenAction action, smtp::Reply reply);
    ScreenAction action(ScreenTest test) const;
    Seconds ttl(ScreenTest test) const;
    bool is_enabled(ScreenTest test) const;

    const ScreenSettings& settings_;
    std::string who_;
    std::array<std::int64_t, kScreenTests> until_{};
    std::array<bool, kScreenTests> to_do_{};
    bool is_new_ = true;
    bool passed_ = false;
    bool failed_ = false;
    bool may_pass_ = true;
    std::optional<smtp::Reply> verdict_;
    int commands_ = 0;
};

}  // namespace facteur::smtpd
