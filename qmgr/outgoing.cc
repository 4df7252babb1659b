#include "qmgr/outgoing.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/log.h"

namespace facteur::qmgr {
namespace {

/// As Postfix prints it: two significant digits, "0" for what is hardly there.
std::string seconds_text(std::int64_t micros) {
    double seconds = static_cast<double>(std::max<std::int64_t>(micros, 0)) / 1e6;
    if (seconds >= 10) return fmt::format("{:.0f}", seconds);
    return fmt::format("{:.2g}", seconds < 0.01 ? 0.0 : seconds);
}

std::string_view status_word(spool::Fate fate, bool verify) {
    // Postfix calls an address that only waits undeliverable too.
    if (verify) return fate == spool::Fate::delivered ? "deliverable" : "undeliverable";
    switch (fate) {
        case spool::Fate::delivered:
        case spool::Fate::relayed:
        case spool::Fate::handed_on:
            return "sent";
        case spool::Fate::failed:
            return "bounced";
        case spool::Fate::waiting:
        case spool::Fate::expanded:
            break;
    }
    return "deferred";
}

}  // namespace

std::int64_t now_micros() {
    return std::chrono::system_clock::now().time_since_epoch() / std::chrono::microseconds(1);
}

std::int64_t now_seconds() {
    return now_micros() / 1000000;
}

ipc::Job request_for(const Job& job) {
    const Message& message = *job.message;
    const spool::Envelope& envelope = message.story.envelope;
    ipc::Job request;
    request.job = job.number;
    request.queue_id = message.id();
    request.sender = message.sender_for(job.recipients.front());
    request.nexthop = job.nexthop;
    for (std::size_t index : job.recipients) {
        const spool::Recipient& from = envelope.recipients[index];
        ipc::JobRecipient recipient;
        recipient.index = static_cast<std::uint32_t>(index);
        recipient.address = from.address;
        recipient.original = from.original;
        recipient.orcpt = from.orcpt;
        recipient.notify = from.notify;
        request.recipients.push_back(std::move(recipient));
    }
    request.offset = message.content.offset;
    request.size = message.content.size;
    request.body = static_cast<std::uint8_t>(envelope.body);
    request.smtputf8 = envelope.smtputf8;
    request.ret = static_cast<std::uint8_t>(envelope.ret);
    request.envid = envelope.envid;
    request.arrival = envelope.arrival;
    request.active_since = message.active_since;
    request.login = envelope.login;
    request.client_name = envelope.client_name;
    request.client_address = envelope.client_address;
    request.helo = envelope.helo;
    request.protocol = envelope.protocol;
    request.priority = envelope.priority;
    request.by_mode = static_cast<std::uint8_t>(envelope.by_mode);
    request.by_trace = envelope.by_trace;
    request.deliver_by = envelope.deliver_by;
    request.requiretls = envelope.requiretls;
    request.tls_optional = envelope.tls_optional;
    request.verify = message.verify;
    return request;
}

void log_result(const Message& message, std::size_t recipient, std::string_view relay) {
    const spool::Recipient& to = message.story.envelope.recipients[recipient];
    const spool::Progress& progress = message.story.progress[recipient];
    const std::int64_t arrival = message.story.envelope.arrival;
    const std::int64_t now = now_micros();
    std::string original;
    if (to.written() != to.address) original = fmt::format(" orig_to=<{}>,", to.original);
    log_info(fmt::format(
        "{}: to=<{}>,{} relay={}, delay={}, delays={}/{}/0/0, dsn={}, status={} ({})", message.id(),
        to.address, original, relay, seconds_text(now - arrival),
        seconds_text(message.active_since - arrival), seconds_text(now - message.active_since),
        progress.status, status_word(progress.fate, message.verify), progress.text));
}

}  // namespace facteur::qmgr
