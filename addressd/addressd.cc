#include "addressd/addressd.h"

#include <algorithm>

#include "addressd/rewrite.h"
#include "lib/base/log.h"
#include "lib/event/errors.h"
#include "lib/ipc/ways/auth.h"

namespace facteur::addressd {
namespace {

/// More users are not remembered: strangers choose what is asked.
constexpr std::size_t kKnownUsers = 10000;

}  // namespace

Users::Users(Scope& scope, Seconds keep) : authd_(scope, "private/auth"), keep_(keep) {}

Task<table::Found> Users::find(std::string user) {
    // Tables are also asked for "@domain"; no user is called so.
    if (user.empty() || user.starts_with('@')) co_return std::nullopt;
    const TimePoint now = Loop::current().now();
    const auto known = known_.find(user);
    if (known != known_.end() && known->second.until > now) {
        if (known->second.exists) co_return user;
        co_return std::nullopt;
    }
    ipc::UserLookup question;
    question.user = user;
    question.service = "address";
    auto answer = co_await authd_.call(std::move(question));
    if (!answer) co_return std::unexpected(std::move(answer).error());
    if (known_.size() >= kKnownUsers) known_.clear();
    const bool exists = answer->message.found;
    // A user that was just made must be able to receive: "no" is not kept.
    if (exists) known_[user] = Known{true, now + keep_};
    if (exists) co_return user;
    co_return std::nullopt;
}

table::Surroundings Addressd::surroundings() {
    table::Surroundings around;
    around.scope = &process().scope();
    around.workers = &process().workers();
    around.auth = [this](std::string user) { return users_.find(std::move(user)); };
    around.main_cf = [this](const std::string& name) -> std::optional<std::string> {
        const auto found = settings_.written.find(name);
        if (found == settings_.written.end()) return std::nullopt;
        return found->second;
    };
    around.daemon_directory = settings_.daemon_directory();
    around.connections = static_cast<std::size_t>(settings_.table_client_connections());
    around.timeout = settings_.table_client_timeout();
    return around;
}

Addressd::Addressd(daemon::Process& daemon_process, const Settings& settings)
    : Service(daemon_process),
      settings_(settings),
      users_(daemon_process.scope(), settings.address_cache_time()),
      tables_(surroundings()),
      classes_(settings, tables_),
      mapping_(settings, classes_, tables_),
      routing_(settings, classes_, tables_),
      aliases_(settings, classes_, tables_, &daemon_process.workers()),
      questions_(settings, classes_, tables_),
      srs_(settings, classes_, tables_) {
    // Those that only others ask for, too: a file with passwords can be read now, and its module be
    // loaded, but not any more once this process has locked itself in.
    for (const std::string& table : settings_.named_tables) {
        const std::string type = table.substr(0, table.find(':'));
        if (type == "proxy" || table::Tables::is_client(type)) tables_.get(table);
    }
    using ipc::Packet;
    using ipc::Peer;
    server_.on<ipc::Classify>([this](Packet<ipc::Classify> question, const Peer&) {
        return classify(std::move(question.message));
    });
    server_.on<ipc::Access>([this](Packet<ipc::Access> question, const Peer&) {
        return access(std::move(question.message));
    });
    server_.on<ipc::Lookup>([this](Packet<ipc::Lookup> question, const Peer&) {
        return lookup(std::move(question.message));
    });
    server_.on<ipc::LookupMany>([this](Packet<ipc::LookupMany> question, const Peer&) {
        return lookup_many(std::move(question.message));
    });
    server_.on<ipc::RewriteHeader>([this](Packet<ipc::RewriteHeader> question, const Peer&) {
        return rewrite_header(std::move(question.message));
    });
    server_.on<ipc::Match>([this](Packet<ipc::Match> question, const Peer&) {
        return match(std::move(question.message));
    });
    server_.on<ipc::Resolve>([this](Packet<ipc::Resolve> question, const Peer&) {
        return resolve(std::move(question.message));
    });
    server_.on<ipc::Alias>([this](Packet<ipc::Alias> question, const Peer&) {
        return alias(std::move(question.message));
    });
}

Task<void> Addressd::connection(Fd socket, const daemon::Listener&) {
    co_await server_.serve(process().sessions(), std::move(socket));
}

std::string Addressd::status() const {
    return "asked=" + std::to_string(asked_);
}

std::uint32_t Addressd::keep() const {
    return static_cast<std::uint32_t>(settings_.address_cache_time().count());
}

ipc::TableReply Addressd::reply_with(std::optional<std::string> value) const {
    ipc::TableReply reply;
    reply.found = value.has_value();
    reply.value = std::move(value).value_or(std::string());
    reply.keep = keep();
    return reply;
}

Addressd::Answer<ipc::Classify> Addressd::classify(ipc::Classify question) {
    ++asked_;
    ipc::Classification reply;
    if (srs_.is_ours(question.address)) {
        // Whoever has such an address may use it, and nobody makes one without our secret.
        const auto original = srs_.original(question.address);
        reply.address_class = ipc::AddressClass::virtual_alias;
        reply.exists = original.has_value();
        if (!original) reply.refusal = original.error().status + " " + original.error().text;
        reply.address = std::move(question.address);
        co_return ipc::Packet<ipc::Classification>(std::move(reply));
    }
    CO_TRY(Place place, co_await classes_.locate(std::move(question.address)));
    reply.address_class = place.address_class;
    reply.address = place.address;
    CO_TRY(reply.exists, co_await classes_.exists(place));
    CO_TRY(bool mapped, co_await classes_.is_mapped(place.address));
    if (!mapped) {
        CO_TRY(reply.refusal, co_await routing_.refusal(std::move(place.address)));
    }
    if (!reply.refusal.empty()) reply.exists = false;
    // A user that was just made must be able to receive: "no" is not kept.
    if (reply.exists) reply.keep = keep();
    co_return ipc::Packet<ipc::Classification>(std::move(reply));
}

Addressd::Answer<ipc::Access> Addressd::access(ipc::Access question) {
    ++asked_;
    CO_TRY(auto value, co_await questions_.access(std::move(question)));
    co_return ipc::Packet<ipc::TableReply>(reply_with(std::move(value)));
}

Addressd::Answer<ipc::Lookup> Addressd::lookup(ipc::Lookup question) {
    ++asked_;
    CO_TRY(auto value, co_await questions_.lookup(std::move(question)));
    co_return ipc::Packet<ipc::TableReply>(reply_with(std::move(value)));
}

Addressd::Answer<ipc::LookupMany> Addressd::lookup_many(ipc::LookupMany question) {
    ++asked_;
    CO_TRY(auto reply, co_await questions_.lookup_many(std::move(question)));
    co_return ipc::Packet<ipc::LookupManyReply>(std::move(reply));
}

Addressd::Answer<ipc::RewriteHeader> Addressd::rewrite_header(ipc::RewriteHeader question) {
    ++asked_;
    CO_TRY(auto reply, co_await mapping_.header(std::move(question)));
    co_return ipc::Packet<ipc::RewriteHeaderReply>(std::move(reply));
}

Addressd::Answer<ipc::Match> Addressd::match(ipc::Match question) {
    ++asked_;
    ipc::MatchReply reply;
    CO_TRY(reply.matches, co_await questions_.match(std::move(question)));
    reply.keep = keep();
    co_return ipc::Packet<ipc::MatchReply>(std::move(reply));
}

Task<Result<ipc::Resolved>> Addressd::resolve_one(std::string recipient, std::string sender,
                                                  How how) {
    ipc::Resolved resolved;
    std::vector<std::string> addresses;
    std::size_t real = 1;  // what stands behind these is copies
    if (how.expanded) {
        addresses.push_back(std::move(recipient));
    } else {
        std::string meant = recipient;
        if (srs_.is_ours(recipient)) {
            CO_TRY(meant, srs_.original(recipient));
        }
        CO_TRY(addresses, co_await mapping_.recipient(std::move(meant)));
        real = addresses.size();
    }
    if (!how.expanded && !how.verify && !how.forwarded) {
        CO_TRY(auto more, co_await copies(std::move(recipient), sender));
        for (std::string& copy : more) {
            if (std::find(addresses.begin(), addresses.end(), copy) == addresses.end())
                addresses.push_back(std::move(copy));
        }
    }
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        CO_TRY(auto destination,
               co_await routing_.route(std::move(addresses[i]), sender, how.verify));
        destination.copy = i >= real;
        if (how.expanded || how.forwarded || srs_.always()) {
            CO_TRY(destination.sender, co_await srs_.sender_for(sender, destination.recipient));
        }
        resolved.destinations.push_back(std::move(destination));
    }
    co_return resolved;
}

// Each recipient brings the copies for the sender, too: qmgr takes an address only once, and what
// it remembers of a recipient is then true for every message.
Task<Result<std::vector<std::string>>> Addressd::copies(std::string recipient, std::string sender) {
    CO_TRY(auto copies, co_await mapping_.copies_for_recipient(std::move(recipient)));
    CO_TRY(auto for_sender, co_await mapping_.copies_for_sender(std::move(sender)));
    copies.insert(copies.end(), for_sender.begin(), for_sender.end());
    co_return copies;
}

// One recipient that cannot be resolved does not keep the others from their mail.
Addressd::Answer<ipc::Resolve> Addressd::resolve(ipc::Resolve question) {
    ++asked_;
    ipc::Resolution reply;
    CO_TRY(reply.sender, co_await mapping_.sender(question.sender));
    const How how{question.expanded, question.verify, question.forwarded};
    for (std::string& recipient : question.recipients) {
        auto resolved = co_await resolve_one(recipient, reply.sender, how);
        ipc::Resolved result;
        if (resolved) {
            result = *std::move(resolved);
        } else {
            result.status = resolved.error().status;
            result.text = resolved.error().text;
            log_warning(recipient + ": " + result.text);
        }
        result.original = std::move(recipient);
        reply.recipients.push_back(std::move(result));
    }
    reply.keep = keep();
    co_return ipc::Packet<ipc::Resolution>(std::move(reply));
}

Addressd::Answer<ipc::Alias> Addressd::alias(ipc::Alias question) {
    ++asked_;
    CO_TRY(ipc::AliasReply reply, co_await aliases_.expand(std::move(question.name)));
    reply.keep = keep();
    co_return ipc::Packet<ipc::AliasReply>(std::move(reply));
}

}  // namespace facteur::addressd
