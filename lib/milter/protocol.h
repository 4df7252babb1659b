#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/result.h"

/// The milter protocol of Sendmail 8.14 (version 6 and before), the mail server's side.
namespace facteur::milter {

/// What a milter may do to a message (SMFIF_*).
enum Actions : std::uint32_t {
    add_headers = 0x1,
    change_body = 0x2,
    add_recipients = 0x4,
    delete_recipients = 0x8,
    change_headers = 0x10,
    quarantine = 0x20,
    change_sender = 0x40,
    add_recipients_with_parameters = 0x80,
    choose_macros = 0x100,
};
constexpr std::uint32_t kAllActions = 0x1FF;

/// What it does not want to hear (SMFIP_NO*), or does not answer (SMFIP_NR_*), and what else the
/// two can agree on.
enum Protocol : std::uint32_t {
    no_connect = 0x1,
    no_helo = 0x2,
    no_mail = 0x4,
    no_recipient = 0x8,
    no_body = 0x10,
    no_headers = 0x20,
    no_end_of_headers = 0x40,
    no_header_reply = 0x80,
    no_unknown = 0x100,
    no_data = 0x200,
    skip = 0x400,
    rejected_recipients = 0x800,  ///< it wants to hear of them, too
    no_connect_reply = 0x1000,
    no_helo_reply = 0x2000,
    no_mail_reply = 0x4000,
    no_recipient_reply = 0x8000,
    no_data_reply = 0x10000,
    no_unknown_reply = 0x20000,
    no_end_of_headers_reply = 0x40000,
    no_body_reply = 0x80000,
    leading_space = 0x100000,  ///< header values come with the space behind the colon
};

/// The moments at which macros are sent, as a milter numbers them in its wishes.
enum class Stage : std::uint8_t {
    connect,
    helo,
    mail,
    recipient,
    data,
    end_of_message,
    end_of_header,
    unknown
};
constexpr std::size_t kStages = 8;

enum class Command : char {
    abort = 'A',
    body = 'B',
    connect = 'C',
    macros = 'D',
    end_of_body = 'E',
    helo = 'H',
    quit_for_new_connection = 'K',
    header = 'L',
    mail = 'M',
    end_of_headers = 'N',
    negotiate = 'O',
    quit = 'Q',
    recipient = 'R',
    data = 'T',
    unknown = 'U',
};

/// Length, command and data.
std::string packet(Command command, std::string_view data = {});
void put_string(std::string& out, std::string_view text);  ///< with its NUL
void put_number(std::string& out, std::uint32_t number);

/// What both sides offer, or what they agreed on.
struct Terms {
    std::uint32_t version = 6;
    std::uint32_t actions = kAllActions;
    std::uint32_t protocol = 0;
    /// SMFIF_SETSYMLIST: the macros that it wants at a stage.
    std::vector<std::pair<std::uint32_t, std::string>> macros;
    bool operator==(const Terms&) const = default;
};
/// Everything that we can do, for a milter of this version at most.
Terms offer(std::uint32_t version);
std::string negotiation(const Terms& terms);
/// The Error: it wants what was not offered.
Result<Terms> parse_negotiation(std::string_view data, const Terms& offered);

enum class Kind : std::uint8_t {
    go_on,
    accept,
    reject,
    tempfail,
    discard,
    shutdown,
    connection_failed,
    reply_code,
    skip,
    progress,
    // At the end of the body only:
    add_header,
    insert_header,
    change_header,
    replace_body,
    change_sender,
    add_recipient,
    delete_recipient,
    quarantine,
};

/// One answer.
struct Answer {
    Kind kind = Kind::go_on;
    std::uint32_t index = 0;  ///< insert_header, change_header
    std::string name;         ///< of a header field; an address without angle brackets
    std::string value;        ///< of a field; ESMTP parameters; a part of a body; a reason
    bool operator==(const Answer&) const = default;
};
/// kind and data of one packet; the Error: that is not the protocol.
Result<Answer> parse_answer(char kind, std::string_view data);

/// What a milter wants the client to hear: "550 5.7.1 text", each line with the code.
struct ReplyText {
    int code = 0;
    std::string status;
    std::string text;  ///< lines separated by LF
    bool operator==(const ReplyText&) const = default;
};
Result<ReplyText> parse_reply_text(std::string_view text);

}  // namespace facteur::milter
