#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/event/task.h"
#include "lib/ipc/client.h"
#include "lib/ipc/ways/address.h"

namespace facteur::smtp_client {

/// The tables of a parameter, which addressd holds.
class Lookups {
public:
    virtual ~Lookups() = default;
    virtual Task<Result<std::optional<std::string>>> find(std::vector<std::string> tables,
                                                          ipc::LookupKey kind, std::string key) = 0;
    /// Many whole keys at once (header_checks).
    virtual Task<Result<ipc::LookupManyReply>> find_many(ipc::LookupMany question) = 0;
    /// Does the list, the value of parameter `list`, have this word in it?
    virtual Task<Result<bool>> matches(std::string list, std::vector<std::string> patterns,
                                       std::string word) = 0;
};

class AddressdLookups : public Lookups {
public:
    explicit AddressdLookups(ipc::Client& client) : client_(client) {}
    Task<Result<std::optional<std::string>>> find(std::vector<std::string> tables,
                                                  ipc::LookupKey kind, std::string key) override;
    Task<Result<ipc::LookupManyReply>> find_many(ipc::LookupMany question) override;
    Task<Result<bool>> matches(std::string list, std::vector<std::string> patterns,
                               std::string word) override;

private:
    ipc::Client& client_;
};

}  // namespace facteur::smtp_client
