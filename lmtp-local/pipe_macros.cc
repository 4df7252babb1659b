// What $name in the arguments of a pipe transport stands for.
#include "lmtp-local/pipe_macros.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "lib/base/text.h"
#include "lib/smtp/address.h"
#include "lmtp-local/macros.h"
#include "lmtp-local/pipe_options.h"

namespace facteur::lmtp_local {
namespace {

/// Those that differ from recipient to recipient.
constexpr std::string_view kOfRecipients[] = {
    "recipient", "original_recipient", "user", "extension", "mailbox", "domain"};
constexpr std::string_view kOfMessages[] = {"client_address", "client_helo",     "client_hostname",
                                            "client_port",    "client_protocol", "nexthop",
                                            "queue_id",       "sasl_method",     "sasl_sender",
                                            "sasl_username",  "sender",          "size"};

template <std::size_t N>
bool is_among(const std::string_view (&names)[N], std::string_view name) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool is_name_character(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

/// All names behind a `$`, also those within a "${name?text}".
std::vector<std::string_view> names_in(std::string_view word) {
    std::vector<std::string_view> names;
    for (std::size_t at = word.find('$'); at != std::string_view::npos; at = word.find('$', at)) {
        ++at;
        if (word.substr(at).starts_with('$')) {
            ++at;
            continue;
        }
        if (at < word.size() && (word[at] == '{' || word[at] == '(')) ++at;
        std::size_t end = at;
        while (end < word.size() && is_name_character(word[end]))
            ++end;
        names.push_back(word.substr(at, end - at));
        at = end;
    }
    return names;
}

/// "$(name)" as "${name}".
std::string with_braces(std::string_view word) {
    std::string out(word);
    for (std::size_t at = out.find("$("); at != std::string::npos; at = out.find("$(", at + 1)) {
        const std::size_t dollars = at - std::min(at, out.find_last_not_of('$', at) + 1);
        if (dollars % 2 == 1) continue;  // "$$(": no macro
        std::size_t end = out.find(')', at);
        if (end == std::string::npos) break;
        out[at + 1] = '{';
        out[end] = '}';
    }
    return out;
}

std::string all_characters() {
    std::string all;
    for (int c = 0; c < 256; ++c)
        all += static_cast<char>(c);
    return all;
}

std::string folded(const PipeOptions& options, const std::string& address) {
    smtp::Mailbox mailbox = smtp::split_internal(address);
    const bool has_domain = mailbox.local.size() < address.size();
    if (options.fold_local) mailbox.local = to_lower(mailbox.local);
    if (options.fold_domain) mailbox.domain = to_lower(mailbox.domain);
    return has_domain ? mailbox.local + "@" + mailbox.domain : mailbox.local;
}

std::string whole(const PipeOptions& options, const std::string& address) {
    std::string out = folded(options, address);
    return options.quote ? smtp::to_external(out) : out;
}

Macros of_message(const PipeOptions& options, const ipc::Job& job) {
    Macros out;
    std::string sender = options.sender(job.sender);
    // The empty address is not quoted: it would become one that is not empty.
    if (options.quote && !sender.empty()) sender = smtp::to_external(sender);
    out["sender"] = sender;
    out["client_address"] = job.client_address;
    out["client_helo"] = job.helo;
    out["client_hostname"] = job.client_name;
    out["client_protocol"] = job.protocol;
    out["nexthop"] = options.fold_domain ? to_lower(job.nexthop) : job.nexthop;
    out["queue_id"] = job.queue_id;
    out["sasl_username"] = job.login;
    out["size"] = std::to_string(job.size);
    return out;
}

void put_recipient(Macros& out, const PipeOptions& options, const ipc::JobRecipient& recipient,
                   const std::string& delimiters) {
    const std::string& original =
        recipient.original.empty() ? recipient.address : recipient.original;
    out["recipient"] = whole(options, recipient.address);
    out["original_recipient"] = whole(options, original);
    smtp::Mailbox mailbox = smtp::split_internal(folded(options, recipient.address));
    out["domain"] = mailbox.domain;
    out["mailbox"] = mailbox.local;
    std::size_t at =
        delimiters.empty() ? std::string::npos : mailbox.local.find_first_of(delimiters);
    out["user"] = mailbox.local.substr(0, at);
    out["extension"] = at == std::string::npos ? "" : mailbox.local.substr(at + 1);
}

}  // namespace

std::optional<std::string> unknown_pipe_macro(std::string_view word) {
    for (std::string_view name : names_in(word)) {
        if (!is_among(kOfRecipients, name) && !is_among(kOfMessages, name))
            return std::string(name);
    }
    return std::nullopt;
}

std::vector<std::string> pipe_arguments(const PipeOptions& options, const ipc::Job& job,
                                        const std::string& recipient_delimiter) {
    const std::string any = all_characters();
    Macros macros = of_message(options, job);
    std::vector<std::string> out;
    for (const std::string& word : options.argv) {
        const auto names = names_in(word);
        const bool repeated = std::any_of(names.begin(), names.end(), [](std::string_view name) {
            return is_among(kOfRecipients, name);
        });
        const std::string text = with_braces(word);
        if (!repeated) {
            out.push_back(expand_macros(text, macros, any));
            continue;
        }
        for (const ipc::JobRecipient& recipient : job.recipients) {
            put_recipient(macros, options, recipient, recipient_delimiter);
            // "+folder@domain" is nobody's: as with Postfix the word is left out, which is how a
            // command learns of a public folder.
            const bool asks_user = std::find(names.begin(), names.end(), "user") != names.end();
            if (asks_user && macros["user"].empty()) continue;
            out.push_back(expand_macros(text, macros, any));
        }
    }
    return out;
}

}  // namespace facteur::lmtp_local
