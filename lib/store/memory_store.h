#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "lib/store/store.h"

namespace facteur::store {

/// Mail in memory, for the tests of what stands above the store.  It keeps the contract of Store
/// and Mailbox for any number of views at a time, without files and threads.
class MemoryStore : public Store {
public:
    MemoryStore();
    ~MemoryStore() override;

    char separator() const override { return '.'; }
    Task<Result<std::vector<MailboxInfo>>> list() override;
    Task<Result<void>> create(std::string name) override;
    Task<Result<void>> remove(std::string name) override;
    Task<Result<void>> rename(std::string from, std::string to) override;
    Task<Result<void>> subscribe(std::string name, bool on) override;
    Task<Result<Properties>> properties(std::string name) override;
    Task<Result<void>> set_properties(std::string name, std::vector<PropertyChange> changes,
                                      std::size_t most) override;
    Task<Result<std::unique_ptr<Mailbox>>> open(std::string name, bool read_only) override;
    Task<Result<MailboxStatus>> status(std::string name) override;
    Task<Result<std::unique_ptr<Watch>>> watch(std::string name) override;
    Task<Result<Appended>> append(std::string name, NewMessage message) override;
    Task<Result<std::vector<Appended>>> append_all(std::string name,
                                                   std::vector<NewMessage> messages) override;
    Task<Result<void>> flush() override;

    /// For tests: a message arrives, or goes, by another's hand.
    std::uint32_t deliver(const std::string& name, std::string text);
    void take_away(const std::string& name, std::uint32_t uid);

    struct Folder;

private:
    friend class MemoryMailbox;
    Folder* find(const std::string& name) const;
    void names_changed();

    std::map<std::string, std::shared_ptr<Folder>> folders_;  ///< shared with the views
    std::set<std::string> subscribed_;
    Properties properties_;
    std::shared_ptr<Folder> names_;  ///< only for those who watch
    std::uint32_t next_validity_ = 1000;
};

}  // namespace facteur::store
