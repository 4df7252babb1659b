#include "lmtp-local/mail.h"

#include <utility>

#include "lib/smtp/address.h"

namespace facteur::lmtp_local {
namespace {

int rank(ipc::Outcome outcome) {
    switch (outcome) {
        case ipc::Outcome::expanded:
            return 0;
        case ipc::Outcome::delivered:
            return 1;
        case ipc::Outcome::written:
            return 2;
        case ipc::Outcome::failed:
            return 3;
        case ipc::Outcome::deferred:
            return 4;
    }
    return 4;
}

}  // namespace

void Outcome::merge(Outcome other) {
    std::set<std::uint64_t> both = std::move(domains);
    both.merge(other.domains);
    if (rank(other.outcome) > rank(outcome)) *this = std::move(other);
    domains = std::move(both);
}

std::string delivery_prefix(const Mail& mail, const Addressee& recipient, bool delivered_to) {
    const std::string& original =
        recipient.original.empty() ? recipient.delivered_to : recipient.original;
    std::string fields = "Return-Path: <" + smtp::to_external(mail.sender) + ">\r\n" +
                         "X-Original-To: " + smtp::to_external(original) + "\r\n";
    if (delivered_to)
        fields += "Delivered-To: " + smtp::to_external(recipient.delivered_to) + "\r\n";
    return fields + mail.trace;
}

}  // namespace facteur::lmtp_local
