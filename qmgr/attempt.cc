#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/errors.h"
#include "lib/event/sleep.h"
#include "qmgr/manager.h"
#include "qmgr/outgoing.h"
#include "qmgr/verdict.h"

namespace facteur::qmgr {
namespace {

constexpr Seconds kInsist{1};

bool is_done(const spool::Progress& progress) {
    return progress.fate != spool::Fate::waiting;
}

/// Where a content filter wants mail for an address, whatever its route is (access(5) FILTER).
ipc::Destination filtered(std::string_view filter, const std::string& address,
                          const std::string& otherwise) {
    const std::size_t colon = filter.find(':');
    ipc::Destination to;
    to.recipient = address;
    to.transport = filter.substr(0, colon);
    if (colon != std::string_view::npos) to.nexthop = filter.substr(colon + 1);
    if (to.nexthop.empty()) to.nexthop = otherwise;
    if (to.nexthop.empty()) to.nexthop = address.substr(address.rfind('@') + 1);
    return to;
}

/// Nothing is left to do or to tell.
bool is_settled(const spool::Progress& progress) {
    return is_done(progress) && (progress.told || progress.notice.empty());
}

/// RFC 3461 section 5.2.7: who takes the place of one recipient reports for it; of an alias with
/// more members only the expansion is reported as a success.
spool::Recipient member_of(const spool::Recipient& alias, const std::string& address,
                           bool one_to_one) {
    spool::Recipient member = alias;
    member.original = alias.written();
    member.address = address;
    const bool ascii = std::all_of(member.original.begin(), member.original.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (member.orcpt.empty() && ascii) member.orcpt = "rfc822;" + member.original;
    if (one_to_one || !(member.notify & spool::notify_success)) return member;
    member.notify &= static_cast<std::uint8_t>(~unsigned{spool::notify_success});
    if (member.notify == 0) member.notify = spool::notify_never;
    return member;
}

/// Recipients that came out of an alias of this message.
bool is_member(const Message& message, std::size_t index) {
    return index >= message.story.own_recipients;
}

}  // namespace

/// The life of a message from when it becomes active until it rests or is gone.
Task<void> Manager::attempt(Message& message) {
    const spool::Envelope& envelope = message.story.envelope;
    const auto open = std::count_if(message.story.progress.begin(), message.story.progress.end(),
                                    [](const auto& progress) { return !is_done(progress); });
    log_info(fmt::format("{}: from=<{}>, size={}, nrcpt={} (queue active)", message.id(),
                         envelope.sender, envelope.size, open));
    fail_what_is_late(message);
    if (message.looping) {
        set_all_waiting(message, verdict("5.4.6", "too many hops"));
    } else if (!message.story.force_expire) {
        co_await resolve(message);
    }
    while (message.jobs > 0) {
        co_await message.progressed.wait(running_);
        if (message.jobs > 0) co_await record(message);
    }
    co_await conclude(message);
}

void Manager::set_all_waiting(Message& message, const spool::Progress& progress) {
    for (std::size_t i = 0; i < message.story.progress.size(); ++i) {
        if (is_done(message.story.progress[i])) continue;
        message.story.progress[i] = progress;
        message.changed.push_back(i);
        log_result(message, i, "none");
    }
}

Task<void> Manager::resolve(Message& message) {
    co_await route(message, false);
    // What aliases gave, just now or in an earlier attempt, is only routed.
    co_await route(message, true);
    hand_out(message);
}

/// Asks addressd about the recipients that wait: those of the envelope, or those of its aliases.
Task<void> Manager::route(Message& message, bool expanded) {
    ipc::Resolve question;
    question.sender = message.story.envelope.sender;
    const bool unmapped = message.story.envelope.unmapped;
    question.expanded = expanded || unmapped;
    question.forwarded = message.story.envelope.protocol == spool::kForwarded;
    std::vector<std::size_t> asked;
    for (std::size_t i = 0; i < message.story.progress.size(); ++i) {
        if (is_done(message.story.progress[i]) || is_member(message, i) != expanded) continue;
        asked.push_back(i);
        question.recipients.push_back(message.story.envelope.recipients[i].address);
    }
    if (asked.empty()) co_return;
    Result<ipc::Resolution> answer = co_await resolver_(std::move(question));
    if (answer && answer->recipients.size() != asked.size()) {
        answer = temporary("address service gave a wrong answer");
    }
    if (!answer) {
        spool::Progress reason = verdict("4.3.0", answer.error().text);
        reason.fate = spool::Fate::waiting;
        for (std::size_t index : asked) {
            message.story.progress[index] = reason;
            message.changed.push_back(index);
            log_result(message, index, "none");
        }
        co_return;
    }
    message.sender = unmapped ? message.story.envelope.sender : answer->sender;
    for (std::size_t i = 0; i < asked.size(); ++i)
        co_await take_resolved(message, asked[i], answer->recipients[i]);
}

Task<void> Manager::take_resolved(Message& message, std::size_t index, ipc::Resolved& resolved) {
    const std::string address = message.story.envelope.recipients[index].address;
    if (!resolved.status.empty() || resolved.destinations.empty()) {
        std::string status = resolved.status.empty() ? "4.3.0" : resolved.status;
        message.story.progress[index] = verdict(status, resolved.text);
        message.changed.push_back(index);
        log_result(message, index, "none");
        co_return;
    }
    const bool same =
        resolved.destinations.size() == 1 && resolved.destinations[0].recipient == address;
    if (same || is_member(message, index)) {
        assign(message, index, resolved.destinations[0]);
        co_return;
    }
    // An alias: its members become recipients, each address once, and that is recorded before any
    // of them is tried, or a changed alias would confuse who has had the message already.
    std::unordered_set<std::string> present;
    for (const spool::Recipient& recipient : message.story.envelope.recipients) {
        if (&recipient != &message.story.envelope.recipients[index]) {
            present.insert(recipient.address);
        }
    }
    std::vector<spool::Recipient> members;
    const spool::Recipient alias = message.story.envelope.recipients[index];
    const bool one_to_one =
        std::count_if(resolved.destinations.begin(), resolved.destinations.end(),
                      [](const auto& to) { return !to.copy; }) == 1;
    for (const ipc::Destination& destination : resolved.destinations) {
        if (!present.insert(destination.recipient).second) continue;
        members.push_back(member_of(alias, destination.recipient, one_to_one));
        // postconf(5), always_bcc: "as if it was specified with NOTIFY=NONE".
        if (destination.copy) members.back().notify = spool::notify_never;
    }
    spool::Step step(message.story, now_seconds());
    step.expanded(index, members);
    if (one_to_one) step.told(index);  // its success is the member's
    co_await insist(message, step.text());
}

/// The transports that need no agent are settled here: error:, retry: and discard:.
void Manager::assign(Message& message, std::size_t index, const ipc::Destination& routed) {
    const std::string& filter = message.story.envelope.filter;
    const ipc::Destination destination =
        filter.empty() ? routed
                       : filtered(filter, routed.recipient, settings_.default_filter_nexthop());
    spool::Progress progress;
    if (destination.transport == "error") {
        progress = verdict_of(destination.nexthop, "5.0.0");
    } else if (destination.transport == "retry") {
        progress = verdict_of(destination.nexthop, "4.0.0");
    } else if (destination.transport == "discard") {
        progress = verdict("2.0.0", destination.nexthop);
        progress.fate = spool::Fate::delivered;
    } else if (const auto& put_off = settings_.defer_transports();
               std::find(put_off.begin(), put_off.end(), destination.transport) != put_off.end()) {
        progress = verdict("4.3.2", "deferred transport");
    } else if (auto domain = suspensions_.covering(destination.recipient, destination.nexthop);
               !domain.empty()) {
        progress = verdict("4.3.2", "delivery to " + domain + " is suspended by the administrator");
    } else {
        message.routes[{destination.transport, destination.nexthop, routed.sender}].push_back(
            index);
        message.senders.erase(index);
        if (!routed.sender.empty()) message.senders[index] = routed.sender;
        return;
    }
    message.story.progress[index] = std::move(progress);
    message.changed.push_back(index);
    log_result(message, index, "none");
}

void Manager::hand_out(Message& message) {
    for (const auto& [route, recipients] : message.routes)
        dispatcher_.add(message, route.transport, route.nexthop, recipients);
    message.routes.clear();
}

/// Results of recipients while others are still under way: recorded, then acknowledged.
Task<void> Manager::record(Message& message) {
    if (message.evacuate && message.stored.where == spool::Stored::Where::journal) {
        message.evacuate = false;
        Result<void> moved =
            co_await spool_.move_out(message.stored, spool::Stored::Where::deferred, now_seconds());
        if (!moved) log_warning(message.id() + ": " + moved.error().text);
    }
    if (message.changed.empty()) co_return;
    spool::Step step(message.story, now_seconds());
    auto reports = std::exchange(message.reports, {});
    for (std::size_t index : std::exchange(message.changed, {}))
        step.fate(index, message.story.progress[index]);
    co_await insist(message, step.text());
    for (auto& [agent, number] : reports)
        agent->settle(number);
}

/// Records a step, however long the disk stays full: without it a delivery could be repeated.
Task<void> Manager::insist(Message& message, std::string text) {
    bool complained = false;
    for (;;) {
        Result<void> recorded = co_await spool_.step(message.stored, text);
        if (recorded) break;
        if (!complained) log_warning(message.id() + ": " + recorded.error().text);
        complained = true;
        co_await Sleep(running_, kInsist);
    }
    Result<void> applied = spool::apply_step(message.story, text);
    if (!applied) log_error(message.id() + ": " + applied.error().text);
}

Seconds Manager::lifetime(const Message& message) const {
    return message.story.envelope.sender.empty() ? settings_.bounce_lifetime()
                                                 : settings_.lifetime();
}

/// When its time began: what is held back does not grow old meanwhile (RFC 4865 section 5).
std::int64_t Manager::born(const Message& message) {
    const spool::Envelope& envelope = message.story.envelope;
    return std::max(envelope.arrival / 1000000, envelope.release_at);
}

/// RFC 2852 section 4.1.1: by-mode R, and its time is over.
void Manager::fail_what_is_late(Message& message) {
    const spool::Envelope& envelope = message.story.envelope;
    if (envelope.by_mode != spool::ByMode::return_it || now_seconds() < envelope.deliver_by) return;
    set_all_waiting(message, verdict("5.4.7", "delivery time expired"));
}

/// What has waited too long has failed.
void Manager::fail_what_is_old(Message& message) {
    const std::int64_t age = now_seconds() - born(message);
    if (age < lifetime(message).count() && !message.story.force_expire) return;
    bool any = false;
    for (std::size_t i = 0; i < message.story.progress.size(); ++i) {
        spool::Progress& progress = message.story.progress[i];
        if (is_done(progress)) continue;
        progress.fate = spool::Fate::failed;
        if (progress.status.empty()) progress.status = "4.4.7";  // RFC 3463: time expired
        message.changed.push_back(i);
        any = true;
    }
    if (any) {
        log_info(fmt::format("{}: from=<{}>, status=expired, returned to sender", message.id(),
                             message.story.envelope.sender));
    }
}

Task<void> Manager::conclude(Message& message) {
    message.granted = message.wish;
    if (message.granted == Wish::remove) {
        co_await forget(message);
        co_return;
    }
    if (message.granted == Wish::expire) message.story.force_expire = true;
    fail_what_is_late(message);
    if (!message.verify) fail_what_is_old(message);
    spool::Step step(message.story, now_seconds());
    std::sort(message.changed.begin(), message.changed.end());
    message.changed.erase(std::unique(message.changed.begin(), message.changed.end()),
                          message.changed.end());
    for (std::size_t index : message.changed)
        step.fate(index, message.story.progress[index]);
    message.changed.clear();
    std::vector<Notice> notices = notices_for(message, step);
    if (!notices.empty()) {
        // What the notices tell, and their ids, are on the disk before they are: an attempt that
        // is repeated after a crash makes the same ones, and the queue knows them again.
        co_await insist(message, step.text());
        Dispatcher::settle(message);
        step = spool::Step(message.story, now_seconds());
        co_await tell(message, std::move(notices), step);
    }
    const bool settled = std::all_of(message.story.progress.begin(), message.story.progress.end(),
                                     [](const auto& progress) { return is_settled(progress); });
    // What was only to be verified is done when that is reported.
    if ((settled || message.verify) && !owes_report(message)) {
        co_await forget(message);
        co_return;
    }
    const bool soon = message.granted == Wish::requeue;
    step.next_attempt(soon ? now_seconds() : next_attempt(message));
    co_await insist(message, step.text());
    Dispatcher::settle(message);
    co_await rest(message);
}

/// Postfix's back-off: it waits about as long again as it has waited.
std::int64_t Manager::next_attempt(const Message& message) const {
    const std::int64_t now = now_seconds();
    const std::int64_t age = now - born(message);
    const std::int64_t next =
        now + std::clamp<std::int64_t>(
                  age, settings_.minimal_backoff().count(),
                  std::max(settings_.minimal_backoff(), settings_.maximal_backoff()).count());
    // When its time is over the sender is to hear of it then, not at some later attempt.
    const spool::Envelope& envelope = message.story.envelope;
    const bool timed = envelope.by_mode != spool::ByMode::none && envelope.deliver_by > now;
    return timed ? std::min(next, envelope.deliver_by) : next;
}

/// Out of memory, but for where it is and when it is due.
Task<void> Manager::rest(Message& message) {
    spool::Stored& stored = message.stored;
    const std::int64_t due = message.story.next_attempt;
    Result<void> moved;
    const auto to =
        message.granted == Wish::hold ? spool::Stored::Where::hold : spool::Stored::Where::deferred;
    if (stored.where == spool::Stored::Where::journal) {
        const bool crowded =
            resting_.size() >= static_cast<std::size_t>(settings_.waiting_in_journal());
        if (message.granted == Wish::hold || message.evacuate || crowded) {
            moved = co_await spool_.move_out(stored, to, due);
        }
    } else {
        moved = co_await spool_.settle(stored, due);
        if (to == spool::Stored::Where::hold) {
            Result<void> relocated = co_await spool_.relocate(stored, to, due);
            if (!relocated) moved = std::move(relocated);
        }
    }
    if (stored.where == spool::Stored::Where::hold) log_info(message.id() + ": placed on hold");
    if (!moved) log_warning(message.id() + ": " + moved.error().text);
    spool::Stored resting = stored;
    // What was wished while this was being written is done to the message that rests.
    if (message.wish != message.granted) running_.spawn(grant(stored.id, message.wish));
    end_attempt(message);
    put_to_rest(std::move(resting), due);
}

Task<void> Manager::forget(Message& message) {
    for (;;) {
        Result<void> forgotten = co_await spool_.forget(message.stored);
        if (forgotten) break;
        log_warning(message.id() + ": " + forgotten.error().text);
        co_await Sleep(running_, kInsist);
    }
    Dispatcher::settle(message);
    log_info(message.id() + ": removed");
    end_attempt(message);
}

void Manager::end_attempt(Message& message) {
    if (message.content_held) {
        --held_count_;
        held_bytes_ -= message.content.size;
    }
    const spool::QueueId id = message.stored.id;  // the message is gone with the next line
    active_.erase(id);
    changed_.notify_all();
}

}  // namespace facteur::qmgr
