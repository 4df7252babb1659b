#include "smtpd/screen.h"

#include <algorithm>

namespace facteur::smtpd {

namespace {

constexpr ScreenTest kDeep[] = {ScreenTest::pipelining, ScreenTest::non_smtp,
                                ScreenTest::bare_newline};

}  // namespace

Screen::Screen(const ScreenSettings& settings, const Address& client)
    : settings_(settings), who_('[' + client.ip() + "]:" + std::to_string(client.port())) {}

bool Screen::is_enabled(ScreenTest test) const {
    switch (test) {
        case ScreenTest::pregreet:
            return true;
        case ScreenTest::dnsbl:
            return !settings_.dnsbl_sites().empty();
        case ScreenTest::pipelining:
            return settings_.pipelining();
        case ScreenTest::non_smtp:
            return settings_.non_smtp();
        case ScreenTest::bare_newline:
            return settings_.bare_newline();
    }
    return false;
}

ScreenAction Screen::action(ScreenTest test) const {
    switch (test) {
        case ScreenTest::pregreet:
            return settings_.greet_action();
        case ScreenTest::dnsbl:
            return settings_.dnsbl_action();
        case ScreenTest::pipelining:
            return settings_.pipelining_action();
        case ScreenTest::non_smtp:
            return settings_.non_smtp_action();
        case ScreenTest::bare_newline:
            return settings_.bare_newline_action();
    }
    return ScreenAction::ignore;
}

Seconds Screen::ttl(ScreenTest test) const {
    switch (test) {
        case ScreenTest::pipelining:
            return settings_.pipelining_ttl();
        case ScreenTest::non_smtp:
            return settings_.non_smtp_ttl();
        case ScreenTest::bare_newline:
            return settings_.bare_newline_ttl();
        default:
            return settings_.greet_ttl();
    }
}

void Screen::remember(const ipc::ScreenRecord& record, std::int64_t now) {
    is_new_ = !record.found;
    until_ = {record.pregreet, record.dnsbl, record.pipelining, record.non_smtp,
              record.bare_newline};
    for (std::size_t i = 0; i < kScreenTests; ++i)
        to_do_[i] = is_enabled(static_cast<ScreenTest>(i)) && until_[i] <= now;
}

bool Screen::nothing_to_do() const {
    return std::none_of(to_do_.begin(), to_do_.end(), [](bool to_do) { return to_do; });
}

bool Screen::is_deep() const {
    return std::any_of(std::begin(kDeep), std::end(kDeep),
                       [this](ScreenTest test) { return to_do(test); });
}

void Screen::pass(ScreenTest test, std::int64_t until) {
    to_do_[index(test)] = false;
    until_[index(test)] = until;
    passed_ = true;
}

void Screen::pass_all(std::int64_t until) {
    to_do_.fill(false);
    for (std::int64_t& each : until_)
        each = std::max(each, until);
    passed_ = true;
}

void Screen::pass_deep(std::int64_t now) {
    if (failed_) return;
    for (const ScreenTest test : kDeep) {
        if (to_do(test)) pass(test, now + ttl(test).count());
    }
}

std::optional<smtp::Reply> Screen::act(ScreenAction action, smtp::Reply reply) {
    if (action == ScreenAction::ignore) return std::nullopt;
    failed_ = true;
    if (action == ScreenAction::drop) return reply;
    // The first failure words all refusals.
    reply.code = 550;
    if (!verdict_ || !verdict_->is_permanent()) verdict_.emplace(std::move(reply));
    return std::nullopt;
}

std::optional<smtp::Reply> Screen::fail(ScreenTest test, std::int64_t now, smtp::Reply reply) {
    const ScreenAction what = action(test);
    to_do_[index(test)] = false;
    // A deep test whose failure is ignored is not repeated at once; the early ones are.
    const bool is_early = test == ScreenTest::pregreet || test == ScreenTest::dnsbl;
    if (what == ScreenAction::ignore && !is_early) pass(test, now + ttl(test).count());
    return act(what, std::move(reply));
}

std::optional<smtp::Reply> Screen::deny() {
    return act(settings_.denylist_action(),
               smtp::Reply{521, "5.3.2", "Service currently unavailable"});
}

void Screen::veto() {
    may_pass_ = false;
    if (!verdict_) verdict_.emplace(smtp::Reply{450, "4.3.2", "Service currently unavailable"});
}

std::optional<ipc::ScreenRecord> Screen::record() const {
    if (!passed_ || failed_ || !may_pass_) return std::nullopt;
    ipc::ScreenRecord record;
    record.found = true;
    record.pregreet = until_[0];
    record.dnsbl = until_[1];
    record.pipelining = until_[2];
    record.non_smtp = until_[3];
    record.bare_newline = until_[4];
    return record;
}

}  // namespace facteur::smtpd
