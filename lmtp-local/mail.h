#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/ipc/ways/delivery.h"

namespace facteur::lmtp_local {

/// One message on its way into mailboxes.
struct Mail {
    std::string id;            ///< queue id, or what LMTP made up; names the deliveries
    std::string sender;        ///< empty: the null sender
    std::int64_t arrival = 0;  ///< microseconds since the epoch
    Fd content;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::string trace;  ///< Received: of our own LMTP server
    std::uint8_t body = 0;
    bool smtputf8 = false;
    std::uint8_t ret = 0;  ///< spool::Ret
    std::string envid;
    std::int8_t priority = 0;
    std::uint8_t by_mode = 0;  ///< spool::ByMode
    bool by_trace = false;
    std::int64_t deliver_by = 0;
    bool requiretls = false;
    bool tls_optional = false;
    std::string login;
    std::string client_name;
    std::string client_address;
    /// Flush before the answer: who gave us the mail forgets it then.
    bool durable = false;
};

/// What became of one recipient.
struct Outcome {
    ipc::Outcome outcome = ipc::Outcome::deferred;
    std::string status = "4.3.0";
    std::string text;
    std::set<std::uint64_t> domains;  ///< file systems with what is not flushed: Flusher::Job
    bool dsn_passed_on = false;       ///< became one message that reports for it
    bool is_good() const {
        return outcome != ipc::Outcome::deferred && outcome != ipc::Outcome::failed;
    }

    static Outcome good(ipc::Outcome outcome, std::string text) {
        return Outcome{outcome, "2.0.0", std::move(text), {}};
    }
    static Outcome bad(const Error& error) {
        return Outcome{error.is_temporary() ? ipc::Outcome::deferred : ipc::Outcome::failed,
                       error.status,
                       error.text,
                       {}};
    }
    static Outcome failed(std::string text, std::string status) {
        return Outcome{ipc::Outcome::failed, std::move(status), std::move(text), {}};
    }
    static Outcome deferred(std::string text, std::string status) {
        return Outcome{ipc::Outcome::deferred, std::move(status), std::move(text), {}};
    }
    /// One recipient's mail went to several places.  The worst result counts: what is deferred is
    /// tried again, and what waits for a flush is not forgotten before.
    void merge(Outcome other);
};

/// A recipient on its way through aliases and ~/.forward.
struct Addressee : ipc::JobRecipient {
    Addressee() = default;
    explicit Addressee(ipc::JobRecipient recipient)
        : JobRecipient(std::move(recipient)), delivered_to(address) {}
    std::string delivered_to;  ///< for the field; `address` is what aliases made of it
};

/// The fields that a delivery puts on top.
std::string delivery_prefix(const Mail& mail, const Addressee& recipient, bool delivered_to = true);

}  // namespace facteur::lmtp_local
