#include "smtpd/address_cache.h"

#include "lib/event/errors.h"

namespace facteur::smtpd {

/// The entry to wait for, or a new one that nobody asked about yet; nullptr never.
AddressCache::EntryPointer AddressCache::fresh(const std::string& address) {
    const auto found = entries_.find(address);
    if (found != entries_.end()) {
        const EntryPointer& entry = found->second;
        if (entry->under_way || entry->expires > Loop::current().now()) return entry;
        entries_.erase(found);
    }
    // A stranger can invent addresses without end: forget all rather than keep books about age.
    if (entries_.size() >= most_entries_) entries_.clear();
    auto entry = std::make_shared<Entry>();
    entry->answer = temporary("not asked yet");
    entries_.emplace(address, entry);
    return entry;
}

Task<void> AddressCache::ask(std::string address, EntryPointer entry) {
    entry->under_way = true;
    ipc::Classify question;
    question.address = address;
    try {
        auto answer = co_await addressd_.call(std::move(question));
        if (answer) {
            entry->answer = std::move(answer->message);
        } else {
            entry->answer = std::unexpected(std::move(answer).error());
        }
    } catch (const Disconnect&) {
        entry->answer = temporary("address lookup was given up");
    }
    entry->under_way = false;
    const Seconds keep(entry->answer ? entry->answer->keep : 0);
    entry->expires = Loop::current().now() + keep;
    entry->answered.notify_all();
}

void AddressCache::expect(Scope& scope, std::string_view address) {
    std::string key(address);
    EntryPointer entry = fresh(key);
    if (entry->under_way || entry->expires > Loop::current().now()) return;
    entry->under_way = true;
    scope.spawn(ask(std::move(key), std::move(entry)));
}

Task<Result<ipc::Classification>> AddressCache::find(Scope& scope, std::string address) {
    EntryPointer entry = fresh(address);
    if (entry->under_way) {
        while (entry->under_way)
            co_await entry->answered.wait(scope);
    } else if (entry->expires <= Loop::current().now()) {
        co_await ask(std::move(address), entry);
    }
    co_return entry->answer;
}

}  // namespace facteur::smtpd
