#pragma once

#include <chrono>
#include <map>
#include <string>

#include "addressd/aliases.h"
#include "addressd/mapping.h"
#include "addressd/questions.h"
#include "addressd/routing.h"
#include "addressd/sender_rewriting.h"
#include "lib/daemon/service.h"
#include "lib/ipc/client.h"
#include "lib/ipc/server.h"

namespace facteur::addressd {

/// Whether authd knows a user, remembered for a moment: a message asks several times.
class Users {
public:
    Users(Scope& scope, Seconds keep);
    Task<table::Found> find(std::string user);

private:
    struct Known {
        bool exists = false;
        TimePoint until;
    };
    ipc::Client authd_;
    Seconds keep_;
    std::map<std::string, Known> known_;
};

/// The service: answers the questions of lib/ipc/ways/address.h.
class Addressd : public daemon::Service {
public:
    Addressd(daemon::Process& process, const Settings& settings);
    Task<void> connection(Fd socket, const daemon::Listener& listener) override;
    std::string status() const override;

private:
    template <class R>
    using Answer = Task<Result<ipc::Packet<typename R::Reply>>>;

    Answer<ipc::Classify> classify(ipc::Classify question);
    Answer<ipc::Access> access(ipc::Access question);
    Answer<ipc::Lookup> lookup(ipc::Lookup question);
    Answer<ipc::LookupMany> lookup_many(ipc::LookupMany question);
    Answer<ipc::RewriteHeader> rewrite_header(ipc::RewriteHeader question);
    Answer<ipc::Match> match(ipc::Match question);
    Answer<ipc::Resolve> resolve(ipc::Resolve question);
    Answer<ipc::Alias> alias(ipc::Alias question);
    struct How {
        bool expanded = false;
        bool verify = false;
        bool forwarded = false;
    };
    Task<Result<ipc::Resolved>> resolve_one(std::string recipient, std::string sender, How how);
    Task<Result<std::vector<std::string>>> copies(std::string recipient, std::string sender);
    table::Surroundings surroundings();
    std::uint32_t keep() const;
    ipc::TableReply reply_with(std::optional<std::string> value) const;

    const Settings& settings_;
    Users users_;
    table::Tables tables_;
    Classes classes_;
    Mapping mapping_;
    Routing routing_;
    Aliases aliases_;
    Questions questions_;
    SenderRewriting srs_;
    ipc::Server server_;
    std::uint64_t asked_ = 0;
};

}  // namespace facteur::addressd
