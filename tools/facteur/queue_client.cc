#include "tools/facteur/queue_client.h"

#include <optional>

#include <unistd.h>

#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/ipc/client.h"
#include "lib/spool/queue_id.h"
#include "tools/facteur/instance.h"

namespace facteur::tool {
namespace {

constexpr std::size_t kPiece = 200;
constexpr Seconds kPatience{60};

template <class R>
Task<void> ask(ipc::Client& client, R request,
               std::optional<Result<ipc::Packet<typename R::Reply>>>& answer) {
    answer.emplace(co_await client.call(std::move(request)));
}

}  // namespace

/// Order matters: the client ends before its loop.
struct QueueClient::Parts {
    Loop loop;
    Scope scope;
    ipc::Client client{scope, "public/queue-admin", kPatience};
};

QueueClient::QueueClient(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
QueueClient::~QueueClient() = default;

Result<std::unique_ptr<QueueClient>> QueueClient::connect(const std::string& directory) {
    TRY(auto instance, Instance::open(directory));
    // Sockets have short names; everything below is relative to the queue directory.
    if (::chdir(instance.settings->queue_directory().c_str()) != 0) {
        return system_error(instance.settings->queue_directory());
    }
    if (!ipc::connect_unix("public/queue-admin")) return temporary("the mail system is down");
    return std::unique_ptr<QueueClient>(new QueueClient(std::make_unique<Parts>()));
}

template <class R>
Result<ipc::Packet<typename R::Reply>> QueueClient::call(R request) {
    std::optional<Result<ipc::Packet<typename R::Reply>>> answer;
    parts_->scope.spawn(ask<R>(parts_->client, std::move(request), answer));
    parts_->loop.run_until([&] { return answer.has_value(); });
    return *std::move(answer);
}

Result<ipc::QueueIdsReply> QueueClient::ids() {
    TRY(auto packet, call(ipc::QueueIds()));
    return std::move(packet.message);
}

Result<void> QueueClient::entries(const std::vector<std::string>& ids,
                                  const std::function<void(const ipc::QueueEntry&)>& each) {
    for (std::size_t at = 0; at < ids.size(); at += kPiece) {
        ipc::QueueEntries request;
        for (std::size_t i = at; i < std::min(at + kPiece, ids.size()); ++i)
            request.queue_ids.push_back(ids[i]);
        TRY(auto packet, call(std::move(request)));
        for (const ipc::QueueEntry& entry : packet.message.entries)
            each(entry);
    }
    return {};
}

Result<QueueClient::Shown> QueueClient::show(const std::string& id) {
    ipc::QueueShow request;
    request.queue_id = id;
    TRY(auto packet, call(std::move(request)));
    if (packet.fds.empty()) return temporary("qmgr sent no content");
    Shown shown;
    shown.about = std::move(packet.message);
    shown.content = std::move(packet.fds.front());
    return shown;
}

Result<ipc::QueueActReply> QueueClient::act(ipc::QueueVerb verb, std::vector<std::string> ids,
                                            std::string argument) {
    ipc::QueueAct request;
    request.verb = verb;
    request.queue_ids = std::move(ids);
    request.argument = std::move(argument);
    TRY(auto packet, call(std::move(request)));
    return std::move(packet.message);
}

Result<std::vector<std::string>> QueueClient::suspend(std::vector<std::string> domains,
                                                      bool resume) {
    ipc::QueueSuspend request;
    request.domains = std::move(domains);
    request.resume = resume;
    TRY(auto packet, call(std::move(request)));
    return std::move(packet.message.domains);
}

std::vector<std::string> split_ids(const std::string& joined) {
    std::vector<std::string> ids;
    for (std::size_t at = 0; at + spool::kQueueIdLength <= joined.size();
         at += spool::kQueueIdLength) {
        ids.push_back(joined.substr(at, spool::kQueueIdLength));
    }
    return ids;
}

}  // namespace facteur::tool
