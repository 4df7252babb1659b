#include "tools/facteur/queue_print.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lib/base/text.h"
#include "lib/spool/envelope.h"
#include "lib/spool/files.h"
#include "lib/spool/lines.h"
#include "lib/spool/story.h"

namespace facteur::tool {
namespace {

bool is_waiting(const ipc::QueueRecipient& recipient) {
    return recipient.fate == static_cast<std::uint8_t>(spool::Fate::waiting);
}

char mark_of(ipc::QueuePlace place) {
    if (place == ipc::QueuePlace::active) return '*';
    return place == ipc::QueuePlace::hold ? '!' : ' ';
}

void print_title(const CatParts& parts, std::string_view title, const std::string& name) {
    if (parts.titles) fmt::print("*** {} {} ***\n", title, name);
}

void print_envelope(const spool::Envelope& envelope, std::string_view history) {
    fmt::print("message_size: {}\n", envelope.size);
    fmt::print("message_arrival_time: {}\n",
               time_text(envelope.arrival / 1000000, "%a %b %e %H:%M:%S %Y"));
    auto named = [](std::string_view name, const std::string& value) {
        if (!value.empty()) fmt::print("named_attribute: {}={}\n", name, printable(value));
    };
    named("client_name", envelope.client_name);
    named("client_address", envelope.client_address);
    named("helo_name", envelope.helo);
    named("protocol_name", envelope.protocol);
    named("sasl_username", envelope.login);
    named("filter", envelope.filter);
    named("dsn_envelope_id", envelope.envid);
    fmt::print("sender: {}\n", printable(envelope.sender));
    for (const spool::Recipient& recipient : envelope.recipients) {
        fmt::print("original_recipient: {}\nrecipient: {}\n", printable(recipient.written()),
                   printable(recipient.address));
    }
    spool::TextLine line;
    while (spool::take_line(history, line))
        fmt::print("history: {} {}\n", line.key, printable(line.value, 2000));
}

/// The content with the line ends of this system.
void print_content(std::string_view content) {
    std::string text = replace_all(std::string(content), "\r\n", "\n");
    std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace

std::string time_text(std::int64_t seconds, const char* format) {
    std::time_t when = static_cast<std::time_t>(seconds);
    std::tm parts{};
    ::localtime_r(&when, &parts);
    char text[64];
    return std::string(text, std::strftime(text, sizeof text, format, &parts));
}

std::string_view queue_name(ipc::QueuePlace place) {
    switch (place) {
        case ipc::QueuePlace::active:
            return "active";
        case ipc::QueuePlace::hold:
            return "hold";
        case ipc::QueuePlace::maildrop:
            return "maildrop";
        case ipc::QueuePlace::journal:
        case ipc::QueuePlace::deferred:
            break;
    }
    return "deferred";
}

void MailqPrinter::print(const ipc::QueueEntry& entry) {
    if (messages_ == 0) {
        fmt::print("{:<17} {}\n", "-Queue ID-",
                   "--Size-- ----Arrival Time---- -Sender/Recipient-------");
    }
    ++messages_;
    bytes_ += entry.size;
    std::string sender = entry.sender.empty() ? "MAILER-DAEMON" : printable(entry.sender);
    fmt::print("{:<16}{} {:>8} {:>20} {}\n", entry.queue_id, mark_of(entry.place), entry.size,
               time_text(entry.arrival / 1000000), sender);
    std::string reason;
    for (const ipc::QueueRecipient& recipient : entry.recipients) {
        if (!is_waiting(recipient)) continue;
        if (!recipient.text.empty() && recipient.text != reason) {
            reason = recipient.text;
            std::string shown = "(" + printable(reason, 1000) + ")";
            fmt::print("{:>{}}\n", shown, std::max<std::size_t>(78, shown.size()));
        }
        fmt::print("{:<47} {}\n", "", printable(recipient.address));
    }
    fmt::print("\n");
}

void MailqPrinter::end() const {
    if (messages_ == 0) {
        fmt::print("Mail queue is empty\n");
    } else {
        fmt::print("-- {} Kbytes in {} Request{}.\n", (bytes_ + 1023) / 1024, messages_,
                   messages_ == 1 ? "" : "s");
    }
}

std::string to_json(const ipc::QueueEntry& entry) {
    nlohmann::ordered_json json;
    json["queue_name"] = queue_name(entry.place);
    json["queue_id"] = entry.queue_id;
    json["arrival_time"] = entry.arrival / 1000000;
    json["message_size"] = entry.size;
    json["next_attempt"] = entry.next_attempt;
    json["attempts"] = entry.attempts;
    json["sender"] = entry.sender;
    if (!entry.client_name.empty()) json["client_name"] = entry.client_name;
    if (!entry.client_address.empty()) json["client_address"] = entry.client_address;
    if (!entry.login.empty()) json["sasl_username"] = entry.login;
    if (entry.priority != 0) json["priority"] = entry.priority;
    json["recipients"] = nlohmann::json::array();
    for (const ipc::QueueRecipient& recipient : entry.recipients) {
        if (!is_waiting(recipient)) continue;
        nlohmann::ordered_json one;
        one["address"] = recipient.address;
        if (!recipient.text.empty()) one["delay_reason"] = recipient.text;
        json["recipients"].push_back(std::move(one));
    }
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<void> print_message(const std::string& id, const QueueClient::Shown& shown,
                           const CatParts& parts) {
    TRY(auto envelope, spool::parse_envelope(shown.about.envelope));
    TRY(auto content, spool::read_exactly(shown.content.get(), shown.about.offset,
                                          static_cast<std::size_t>(shown.about.size)));
    std::string name = std::string(queue_name(shown.about.place)) + "/" + id;
    if (parts.envelope) {
        print_title(parts, "ENVELOPE RECORDS", name);
        print_envelope(envelope, shown.about.history);
    }
    std::size_t end = content.find("\r\n\r\n");
    std::size_t header = end == std::string::npos ? content.size() : end + 2;
    if (parts.header || parts.body) print_title(parts, "MESSAGE CONTENTS", name);
    if (parts.header) print_content(std::string_view(content).substr(0, header));
    if (parts.body) print_content(std::string_view(content).substr(header));
    if (parts.envelope) print_title(parts, "HEADER EXTRACTED", name);
    print_title(parts, "MESSAGE FILE END", name);
    return {};
}

}  // namespace facteur::tool
