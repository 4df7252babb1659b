#include "lib/login/reception.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/event/errors.h"

namespace facteur::login {

Reception::Reception(Door& door, Scope& scope, Caller caller)
    : door_(door), visitor_(door, scope, std::move(caller)) {}

Task<void> Reception::run() {
    try {
        co_await converse();
    } catch (const TimedOut&) {
        send_away("Disconnected for inactivity.", "Inactivity");
    } catch (const Cancelled&) {
        send_away("Server shutting down.", "Server shutting down", true);
    } catch (const Disconnect&) {
    }
    if (is_handed_over_) co_return;
    visitor_.stream().close();
    visitor_.log_end(ending_);
}

Task<void> Reception::converse() {
    Stream& stream = visitor_.stream();
    if (door_.settings.tls_wrappermode()) {
        bool has_tls = co_await visitor_.start_tls();
        if (!has_tls) co_return;
    }
    std::string first = co_await greeting();
    stream.put(std::move(first));
    while (!ended_ && !is_handed_over_) {
        if (!stream.has_line()) co_await stream.flush();
        co_await next();
        if (!wants_tls_) continue;
        wants_tls_ = false;
        co_await stream.flush();
        forget();
        // Forgets what was sent ahead in plain text, too (RFC 3501 section 6.2.1).
        bool has_tls = co_await visitor_.start_tls();
        if (!has_tls) co_return;
    }
    if (!is_handed_over_) co_await stream.flush();
}

void Reception::finish(std::string ending) {
    ended_ = true;
    ending_ = std::move(ending);
}

void Reception::send_away(std::string_view text, std::string ending, bool is_temporary) {
    if (is_handed_over_) return;
    visitor_.stream().put(farewell(text, is_temporary) + "\r\n");
    finish(std::move(ending));
}

Task<Visitor::Handed> Reception::hand_over(std::string tag) {
    is_handed_over_ = true;
    auto handed = co_await visitor_.hand_over(std::move(tag));
    is_handed_over_ = handed.accepted;
    co_return handed;
}

Task<bool> Reception::knows(std::string mechanism) {
    std::vector<std::string> known = co_await door_.mechanisms();
    bool is_known = std::any_of(known.begin(), known.end(),
                                [&](const std::string& name) { return iequals(name, mechanism); });
    co_return is_known;
}

}  // namespace facteur::login
