#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/event/task.h"
#include "lib/ipc/ways/address.h"

namespace facteur::qmgr {

/// Where recipients go, asked of addressd no more often than needed: most mail goes where mail
/// went before.  What was answered is kept for as long as the answer allows (`keep`), what is
/// being asked for one message serves the others that want it meanwhile, and only the rest of an
/// envelope is asked.
class Resolutions {
public:
    using Ask = std::function<Task<Result<ipc::Resolution>>(ipc::Resolve)>;

    Resolutions(Scope& scope, Ask ask, std::size_t limit = 20000)
        : ask_(std::move(ask)), limit_(limit), scope_(scope) {}

    Task<Result<ipc::Resolution>> resolve(ipc::Resolve question);

private:
    struct Known {
        TimePoint until;
        std::string sender;
        ipc::Resolved resolved;
    };
    /// One recipient that is being asked about.
    struct Flight {
        bool landed = false;
        Result<Known> answer = temporary("address service did not answer");
    };
    using Flights = std::vector<std::shared_ptr<Flight>>;  ///< shared by all that wait for it
    class Asking;

    /// Routing may depend on the sender.
    static std::string key(const ipc::Resolve& question, const std::string& recipient);
    Flights board(const ipc::Resolve& question, Asking& asking);
    void land(const Asking& asking, const Result<ipc::Resolution>& answer);
    void keep(const std::string& key, const Known& known);

    Ask ask_;
    std::size_t limit_;
    Scope& scope_;
    std::map<std::string, Known> known_;
    std::map<std::string, std::shared_ptr<Flight>> flights_;
    Signal landed_;
};

}  // namespace facteur::qmgr
