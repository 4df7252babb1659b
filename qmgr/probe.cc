// How far mail for an address would come.
#include "lib/base/log.h"
#include "lib/event/errors.h"
#include "qmgr/manager.h"
#include "qmgr/outgoing.h"
#include "qmgr/verdict.h"

namespace facteur::qmgr {
namespace {

/// An alias with more members than this is as good as these are.
constexpr std::size_t kMostMembers = 50;

ipc::Outcome outcome_of(spool::Fate fate) {
    if (fate == spool::Fate::failed) return ipc::Outcome::failed;
    return fate == spool::Fate::waiting ? ipc::Outcome::deferred : ipc::Outcome::delivered;
}

/// Deliverable is better than unknown, and that is better than known to fail.
int rank(std::uint8_t outcome) {
    if (outcome == static_cast<std::uint8_t>(ipc::Outcome::delivered)) return 2;
    return outcome == static_cast<std::uint8_t>(ipc::Outcome::deferred) ? 1 : 0;
}

ipc::ProbeReply reply_of(const spool::Story& story) {
    ipc::ProbeReply reply;
    for (std::size_t i = 0; i < story.progress.size(); ++i) {
        const spool::Progress& progress = story.progress[i];
        ipc::ProbeResult result;
        result.recipient = story.envelope.recipients[i].address;
        result.outcome = static_cast<std::uint8_t>(outcome_of(progress.fate));
        result.status = progress.status;
        result.text = progress.text;
        result.remote = progress.remote;
        if (i == 0 || rank(result.outcome) > rank(reply.outcome)) {
            reply.outcome = result.outcome;
            reply.status = result.status;
            reply.text = result.text;
        }
        reply.results.push_back(std::move(result));
    }
    return reply;
}

}  // namespace

/// A message that is nowhere but here, and who waits for what becomes of it.
struct Manager::Probing {
    std::string key;
    Message message;
    std::optional<ipc::ProbeReply> reply;
    Signal done;
};

Task<Result<ipc::ProbeReply>> Manager::probe(ipc::Probe question) {
    const std::string key = question.sender + "\n" + question.recipient;
    std::shared_ptr<Probing> probing;
    if (auto known = probes_.find(key); known != probes_.end()) probing = known->second;
    if (!probing) {
        if (probes_.size() >= static_cast<std::size_t>(settings_.probe_limit())) {
            co_return temporary("too many addresses are being probed", "4.3.2");
        }
        probing = std::make_shared<Probing>();
        probing->key = key;
        Message& message = probing->message;
        message.verify = true;
        message.stored.id = *spool::QueueId::parse(spool::make_queue_id());
        message.active_since = now_micros();
        spool::Envelope envelope;
        envelope.sender = std::move(question.sender);
        envelope.arrival = message.active_since;
        envelope.smtputf8 = question.smtputf8;
        spool::Recipient recipient;
        recipient.address = std::move(question.recipient);
        envelope.recipients.push_back(std::move(recipient));
        message.story = spool::Story(std::move(envelope));
        probes_[key] = probing;
        running_.spawn(run_probe(probing));
    }
    while (!probing->reply)
        co_await probing->done.wait(running_);
    co_return *probing->reply;
}

Task<void> Manager::run_probe(std::shared_ptr<Probing> probing) {
    Message& message = probing->message;
    co_await route_probe(message, message.story.envelope.sender);
    while (message.jobs > 0)
        co_await message.progressed.wait(running_);
    Dispatcher::settle(message);
    probing->reply = reply_of(message.story);
    probes_.erase(probing->key);
    probing->done.notify_all();
}

Task<void> Manager::route_probe(Message& message, const std::string& sender) {
    spool::Envelope& envelope = message.story.envelope;
    const spool::Recipient asked = envelope.recipients[0];
    ipc::Resolve question;
    question.sender = sender;
    question.recipients.push_back(asked.address);
    question.verify = true;
    Result<ipc::Resolution> answer = co_await resolver_(std::move(question));
    if (answer && answer->recipients.size() != 1) {
        answer = temporary("address service gave a wrong answer");
    }
    if (!answer) {
        message.story.progress[0] = deferred("4.3.0", answer.error().text);
        co_return;
    }
    message.sender = answer->sender;
    const ipc::Resolved& resolved = answer->recipients[0];
    if (!resolved.status.empty() || resolved.destinations.empty()) {
        std::string status = resolved.status.empty() ? "4.3.0" : resolved.status;
        message.story.progress[0] = verdict(std::move(status), resolved.text);
        co_return;
    }
    const std::size_t members = std::min(resolved.destinations.size(), kMostMembers);
    envelope.recipients.assign(members, asked);
    message.story.progress.assign(members, spool::Progress());
    for (std::size_t i = 0; i < members; ++i) {
        const ipc::Destination& to = resolved.destinations[i];
        if (to.recipient != asked.address) envelope.recipients[i].original = asked.written();
        envelope.recipients[i].address = to.recipient;
        assign(message, i, to);
    }
    hand_out(message);
}

}  // namespace facteur::qmgr
