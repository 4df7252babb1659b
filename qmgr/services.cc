#include "qmgr/services.h"

#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/errors.h"
#include "qmgr/outgoing.h"

namespace facteur::qmgr {
namespace {

using Where = spool::Stored::Where;

/// The submitter is a daemon of ours, which may be an older one: what is out of range is not asked.
void take_wishes(spool::Envelope& envelope, const ipc::Submit& request) {
    envelope.priority = std::clamp<std::int8_t>(request.priority, -9, 9);
    if (request.by_mode <= 2 && request.deliver_by > 0) {
        envelope.by_mode = static_cast<spool::ByMode>(request.by_mode);
    }
    if (envelope.by_mode != spool::ByMode::none) {
        envelope.deliver_by = request.deliver_by;
        envelope.by_trace = request.by_trace;
    }
    envelope.release_at = std::max<std::int64_t>(request.release_at, 0);
    envelope.requiretls = request.requiretls;
    envelope.tls_optional = request.tls_optional;
}

spool::Envelope envelope_of(ipc::Submit& request) {
    spool::Envelope envelope;
    envelope.sender = std::move(request.sender);
    envelope.arrival = request.arrival;
    envelope.size = request.size;
    envelope.body = static_cast<spool::Body>(std::min<std::uint8_t>(request.body, 2));
    envelope.smtputf8 = request.smtputf8;
    envelope.ret = static_cast<spool::Ret>(std::min<std::uint8_t>(request.ret, 2));
    envelope.envid = std::move(request.envid);
    envelope.client_name = std::move(request.client_name);
    envelope.client_address = std::move(request.client_address);
    envelope.helo = std::move(request.helo);
    envelope.protocol = std::move(request.protocol);
    envelope.login = std::move(request.login);
    envelope.filter = std::move(request.filter);
    envelope.unmapped = request.unmapped;
    take_wishes(envelope, request);
    envelope.recipients.reserve(request.recipients.size());
    for (ipc::SubmitRecipient& from : request.recipients) {
        spool::Recipient recipient;
        recipient.address = std::move(from.address);
        recipient.original = std::move(from.original);
        recipient.orcpt = std::move(from.orcpt);
        recipient.notify = from.notify & 15;
        envelope.recipients.push_back(std::move(recipient));
    }
    return envelope;
}

std::string joined(const std::vector<spool::QueueId>& ids) {
    std::string out;
    out.reserve(ids.size() * spool::kQueueIdLength);
    for (spool::QueueId id : ids)
        out += id.text();
    return out;
}

ipc::QueuePlace place_of(Manager::Place place) {
    switch (place) {
        case Manager::Place::active:
        case Manager::Place::nowhere:
            return ipc::QueuePlace::active;
        case Manager::Place::journal:
            return ipc::QueuePlace::journal;
        case Manager::Place::deferred:
            return ipc::QueuePlace::deferred;
        case Manager::Place::hold:
            break;
    }
    return ipc::QueuePlace::hold;
}

ipc::QueueEntry entry_of(const Manager::View& view) {
    ipc::QueueEntry entry;
    const spool::Story& story = view.story;
    entry.queue_id = view.stored.id.text();
    entry.place = place_of(view.place);
    entry.arrival = story.envelope.arrival;
    entry.size = story.envelope.size;
    entry.sender = story.envelope.sender;
    entry.next_attempt = story.next_attempt;
    entry.attempts = story.attempts;
    entry.client_name = story.envelope.client_name;
    entry.client_address = story.envelope.client_address;
    entry.login = story.envelope.login;
    entry.priority = story.envelope.priority;
    for (std::size_t i = 0; i < story.progress.size(); ++i) {
        if (story.progress[i].fate == spool::Fate::expanded) continue;
        ipc::QueueRecipient recipient;
        recipient.address = story.envelope.recipients[i].address;
        recipient.original = story.envelope.recipients[i].original;
        recipient.fate = static_cast<std::uint8_t>(story.progress[i].fate);
        recipient.status = story.progress[i].status;
        recipient.text = story.progress[i].text;
        entry.recipients.push_back(std::move(recipient));
    }
    return entry;
}

bool is_owner(const ipc::Peer& peer) {
    return peer.uid == 0 || peer.uid == ::getuid();
}

/// Domains that are searched for at a time.
constexpr std::size_t kMostFlushes = 100;

/// Whether a recipient that is not settled is in the domain.
bool waits_for(const spool::Story& story, const ipc::FlushDestination& order) {
    for (std::size_t i = 0; i < story.progress.size(); ++i) {
        if (story.progress[i].fate != spool::Fate::waiting) continue;
        const std::string& address = story.envelope.recipients[i].address;
        const std::string domain = to_lower(address.substr(address.rfind('@') + 1));
        if (domain == order.domain) return true;
        if (order.subdomains && domain.ends_with("." + order.domain)) return true;
    }
    return false;
}

}  // namespace

QueueService::QueueService(Manager& manager, Scope& scope) : manager_(manager), scope_(scope) {
    server_.on<ipc::FlushDestination>(
        [this](ipc::Packet<ipc::FlushDestination> request, const ipc::Peer&) {
            return flush(std::move(request));
        });
    server_.on<ipc::Submit>([this](ipc::Packet<ipc::Submit> request, const ipc::Peer&) {
        return submit(std::move(request));
    });
    server_.on<ipc::Reserve>([this](ipc::Packet<ipc::Reserve> request, const ipc::Peer&) {
        return reserve(std::move(request));
    });
    server_.on<ipc::Abandon>([this](ipc::Packet<ipc::Abandon> request, const ipc::Peer&) {
        return abandon(std::move(request));
    });
    server_.on<ipc::Probe>([this](ipc::Packet<ipc::Probe> request, const ipc::Peer&) {
        return probe(std::move(request));
    });
    server_.on<ipc::Room>([this](ipc::Packet<ipc::Room>, const ipc::Peer&) { return room(); });
}

Task<void> QueueService::serve(Scope& scope, Fd connection) {
    co_await server_.serve(scope, std::move(connection));
    // When it is we who end, our clients go on with our successor.
    if (!scope.cancelled()) manager_.look_for_abandoned();
}

Task<Result<ipc::Packet<ipc::Nothing>>> QueueService::submit(ipc::Packet<ipc::Submit> request) {
    auto id = spool::QueueId::parse(request.message.queue_id);
    if (!id) co_return permanent("bad queue id");
    const bool hold = request.message.hold;
    Fd content = request.fds.empty() ? Fd() : std::move(request.fds.front());
    spool::Envelope envelope = envelope_of(request.message);
    CO_TRY_VOID(co_await manager_.accept(*id, std::move(envelope), std::move(content), hold));
    co_return ipc::Packet<ipc::Nothing>();
}

Task<Result<ipc::Packet<ipc::ReserveReply>>> QueueService::reserve(
    ipc::Packet<ipc::Reserve> request) {
    auto id = spool::QueueId::parse(request.message.queue_id);
    if (!id) co_return permanent("bad queue id");
    CO_TRY(Fd fd, co_await manager_.reserve(*id));
    ipc::Packet<ipc::ReserveReply> reply;
    reply.message.offset = spool::kContentOffset;
    reply.fds.push_back(std::move(fd));
    co_return reply;
}

Task<Result<ipc::Packet<ipc::Nothing>>> QueueService::flush(
    ipc::Packet<ipc::FlushDestination> request) {
    // One search for a domain at a time, whoever asks how often.
    const bool is_new =
        flushing_.size() < kMostFlushes && flushing_.insert(request.message.domain).second;
    if (is_new) scope_.spawn(flush_destination(std::move(request.message)));
    co_return ipc::Packet<ipc::Nothing>();
}

Task<void> QueueService::flush_destination(ipc::FlushDestination order) {
    std::size_t flushed = 0;
    try {
        const std::vector<spool::QueueId> waiting = co_await manager_.ids_in(Where::deferred);
        for (const spool::QueueId id : waiting) {
            Result<Manager::View> view = co_await manager_.look(id);
            if (!view || !waits_for(view->story, order)) continue;
            if (manager_.flush(id)) ++flushed;
        }
        for (const spool::QueueId id : manager_.ids_in_memory()) {
            if (manager_.find(id) == Manager::Place::active) continue;
            Result<Manager::View> view = co_await manager_.look(id);
            if (view && waits_for(view->story, order) && manager_.flush(id)) ++flushed;
        }
        log_info("flush of " + printable(order.domain, 255) + ": " + std::to_string(flushed) +
                 " messages");
    } catch (const Disconnect&) {
        // The process ends; its successor is asked again.
    }
    flushing_.erase(order.domain);
}

Task<Result<ipc::Packet<ipc::Nothing>>> QueueService::abandon(ipc::Packet<ipc::Abandon> request) {
    auto id = spool::QueueId::parse(request.message.queue_id);
    if (!id) co_return permanent("bad queue id");
    CO_TRY_VOID(manager_.spool().files().remove(spool::incoming_path(id->text())));
    co_return ipc::Packet<ipc::Nothing>();
}

Task<Result<ipc::Packet<ipc::RoomReply>>> QueueService::room() {
    ipc::Packet<ipc::RoomReply> reply;
    reply.message = manager_.room();
    co_return reply;
}

Task<Result<ipc::Packet<ipc::ProbeReply>>> QueueService::probe(ipc::Packet<ipc::Probe> request) {
    ipc::Packet<ipc::ProbeReply> reply;
    CO_TRY(reply.message, co_await manager_.probe(std::move(request.message)));
    co_return reply;
}

AdminService::AdminService(Manager& manager) : manager_(manager) {
    server_.on<ipc::QueueIds>(
        [this](ipc::Packet<ipc::QueueIds>, const ipc::Peer&) { return ids(); });
    server_.on<ipc::QueueEntries>([this](ipc::Packet<ipc::QueueEntries> request, const ipc::Peer&) {
        return entries(std::move(request));
    });
    server_.on<ipc::QueueShow>([this](ipc::Packet<ipc::QueueShow> request, const ipc::Peer& peer) {
        return show(std::move(request), peer);
    });
    server_.on<ipc::QueueSuspend>(
        [this](ipc::Packet<ipc::QueueSuspend> request, const ipc::Peer& peer) {
            return suspend(std::move(request), peer);
        });
    server_.on<ipc::QueueAct>([this](ipc::Packet<ipc::QueueAct> request, const ipc::Peer& peer) {
        return act(std::move(request), peer);
    });
}

Task<Result<ipc::Packet<ipc::QueueIdsReply>>> AdminService::ids() {
    ipc::Packet<ipc::QueueIdsReply> reply;
    std::vector<spool::QueueId> deferred = co_await manager_.ids_in(Where::deferred);
    std::vector<spool::QueueId> held = co_await manager_.ids_in(Where::hold);
    for (spool::QueueId id : manager_.ids_in_memory()) {
        bool is_active = manager_.find(id) == Manager::Place::active;
        (is_active ? reply.message.active : reply.message.journal) += id.text();
    }
    reply.message.deferred = joined(deferred);
    reply.message.hold = joined(held);
    co_return reply;
}

Task<Result<ipc::Packet<ipc::QueueEntriesReply>>> AdminService::entries(
    ipc::Packet<ipc::QueueEntries> request) {
    ipc::Packet<ipc::QueueEntriesReply> reply;
    for (const std::string& text : request.message.queue_ids) {
        auto id = spool::QueueId::parse(text);
        if (!id) co_return permanent("bad queue id");
        Result<Manager::View> view = co_await manager_.look(*id);
        if (view) reply.message.entries.push_back(entry_of(*view));
    }
    co_return reply;
}

Task<Result<ipc::Packet<ipc::QueueShowReply>>> AdminService::show(
    ipc::Packet<ipc::QueueShow> request, ipc::Peer peer) {
    if (!is_owner(peer)) co_return permanent("only root and the queue's owner may see messages");
    auto id = spool::QueueId::parse(request.message.queue_id);
    if (!id) co_return permanent("bad queue id");
    CO_TRY(Manager::View view, co_await manager_.look(*id));
    CO_TRY(spool::Content content, co_await manager_.spool().content(view.stored));
    CO_TRY(std::string history, manager_.spool().history(view.stored));
    ipc::Packet<ipc::QueueShowReply> reply;
    reply.message.place = place_of(view.place);
    reply.message.envelope = to_text(view.story.envelope);
    reply.message.history = std::move(history);
    reply.message.offset = content.offset;
    reply.message.size = content.size;
    reply.fds.push_back(std::move(content.fd));
    co_return reply;
}

Task<Result<ipc::Packet<ipc::QueueSuspendReply>>> AdminService::suspend(
    ipc::Packet<ipc::QueueSuspend> request, ipc::Peer peer) {
    if (!request.message.domains.empty() && !is_owner(peer)) {
        co_return permanent("only root and the queue's owner may do that");
    }
    ipc::Packet<ipc::QueueSuspendReply> reply;
    const bool resume = request.message.resume;
    CO_TRY(reply.message.domains,
           co_await manager_.suspend(std::move(request.message.domains), resume));
    co_return reply;
}

Task<Result<void>> AdminService::act_on(ipc::QueueVerb verb, spool::QueueId id,
                                        std::string argument) {
    switch (verb) {
        case ipc::QueueVerb::flush:
        case ipc::QueueVerb::requeue:
            co_return manager_.flush(id);
        case ipc::QueueVerb::hold:
            co_return co_await manager_.hold(id);
        case ipc::QueueVerb::release:
            co_return co_await manager_.release(id);
        case ipc::QueueVerb::remove:
            co_return co_await manager_.remove(id);
        case ipc::QueueVerb::expire:
            co_return co_await manager_.expire(id);
        case ipc::QueueVerb::redirect:
            co_return co_await manager_.redirect(id, std::move(argument));
    }
    co_return permanent("unknown verb");
}

Task<Result<ipc::Packet<ipc::QueueActReply>>> AdminService::act(ipc::Packet<ipc::QueueAct> request,
                                                                ipc::Peer peer) {
    const ipc::QueueVerb verb = request.message.verb;
    if (verb != ipc::QueueVerb::flush && !is_owner(peer)) {
        co_return permanent("only root and the queue's owner may do that");
    }
    ipc::Packet<ipc::QueueActReply> reply;
    if (verb == ipc::QueueVerb::flush && request.message.queue_ids.empty()) {
        reply.message.done = static_cast<std::uint32_t>(manager_.waiting_count());
        manager_.flush_all();
        co_return reply;
    }
    for (const std::string& text : request.message.queue_ids) {
        auto id = spool::QueueId::parse(text);
        if (!id) co_return permanent("bad queue id");
        Result<void> done = co_await act_on(verb, *id, request.message.argument);
        if (done) ++reply.message.done;
        if (!done) reply.message.missing.push_back(text);
    }
    co_return reply;
}

}  // namespace facteur::qmgr
