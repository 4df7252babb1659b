#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>

#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/ipc/client.h"
#include "lib/ipc/ways/address.h"

namespace facteur::smtpd {

/// addressd's answers about addresses, for as long as it allows, and the questions that are under
/// way: the same address is asked about once, however many sessions want to know.
class AddressCache {
public:
    AddressCache(ipc::Client& addressd, std::size_t most_entries)
        : addressd_(addressd), most_entries_(most_entries) {}

    Task<Result<ipc::Classification>> find(Scope& scope, std::string address);
    /// Starts the question, if it needs one, and does not wait for the answer.
    void expect(Scope& scope, std::string_view address);

private:
    struct Entry {
        bool under_way = false;
        Result<ipc::Classification> answer;
        TimePoint expires;
        Signal answered;
    };
    // Shared by the cache and by those who wait: an entry may be dropped from the cache meanwhile.
    using EntryPointer = std::shared_ptr<Entry>;

    EntryPointer fresh(const std::string& address);
    Task<void> ask(std::string address, EntryPointer entry);

    ipc::Client& addressd_;
    std::size_t most_entries_;
    std::unordered_map<std::string, EntryPointer> entries_;
};

}  // namespace facteur::smtpd
