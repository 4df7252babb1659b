#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/ipc/ways/queue_admin.h"

namespace facteur::tool {

/// The running qmgr, asked from a command: each call waits for its answer.
class QueueClient {
public:
    /// For the instance whose main.cf is in this folder; an Error when its qmgr does not run.
    static Result<std::unique_ptr<QueueClient>> connect(const std::string& directory);
    ~QueueClient();

    Result<ipc::QueueIdsReply> ids();
    /// In pieces, so that a queue of any length is listed in little memory.
    Result<void> entries(const std::vector<std::string>& ids,
                         const std::function<void(const ipc::QueueEntry&)>& each);
    struct Shown {
        ipc::QueueShowReply about;
        Fd content;
    };
    Result<Shown> show(const std::string& id);
    Result<ipc::QueueActReply> act(ipc::QueueVerb verb, std::vector<std::string> ids,
                                   std::string argument = std::string());
    /// The domains that are suspended then.
    Result<std::vector<std::string>> suspend(std::vector<std::string> domains, bool resume);

private:
    struct Parts;
    explicit QueueClient(std::unique_ptr<Parts> parts);
    template <class R>
    Result<ipc::Packet<typename R::Reply>> call(R request);

    std::unique_ptr<Parts> parts_;
};

/// "idididid" as QueueIdsReply has it, in pieces.
std::vector<std::string> split_ids(const std::string& joined);

}  // namespace facteur::tool
