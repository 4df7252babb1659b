// EXPN (RFC 5321 section 4.1.1.7): who is behind an alias.
#include "lib/smtp/address.h"
#include "smtpd/remote.h"

namespace facteur::smtpd {

/// Commands and files of an alias are nobody's business outside.
Task<Result<void>> Remote::add_members(std::vector<std::string>& members, std::string address) {
    CO_TRY(ipc::Classification known, co_await classify(address));
    const smtp::Mailbox mailbox = smtp::split_internal(known.address);
    if (known.address_class != ipc::AddressClass::local) {
        members.push_back(std::move(address));
        co_return Result<void>();
    }
    ipc::Alias question;
    question.name = mailbox.local;
    CO_TRY(auto answer, co_await addressd_.call(std::move(question)));
    if (!answer.message.found) members.push_back(std::move(address));
    for (ipc::AliasTarget& target : answer.message.targets) {
        if (target.kind == ipc::AliasKind::address) members.push_back(std::move(target.value));
        if (target.kind == ipc::AliasKind::user || target.kind == ipc::AliasKind::account)
            members.push_back(target.value + "@" + mailbox.domain);
    }
    co_return Result<void>();
}

Task<Result<std::vector<std::string>>> Remote::members(std::string address) {
    ipc::Resolve question;
    question.recipients.push_back(std::move(address));
    question.forwarded = true;  // without copies
    CO_TRY(auto answer, co_await addressd_.call(std::move(question)));
    std::vector<std::string> members;
    for (ipc::Resolved& resolved : answer.message.recipients) {
        if (!resolved.status.empty())
            co_return std::unexpected(Error{
                resolved.status.starts_with('5') ? Error::Kind::permanent : Error::Kind::temporary,
                resolved.status, resolved.text});
        for (ipc::Destination& to : resolved.destinations) {
            CO_TRY_VOID(co_await add_members(members, std::move(to.recipient)));
        }
    }
    co_return members;
}

}  // namespace facteur::smtpd
