// APPEND: RFC 3501 section 6.3.11, RFC 3502 (MULTIAPPEND), RFC 3516 section 4.4 (BINARY), RFC 4315
// section 3 (APPENDUID), RFC 4469 (CATENATE); REPLACE: RFC 8508.

#include <algorithm>
#include <functional>

#include "imapd/fetch.h"
#include "imapd/message_buffer.h"
#include "imapd/session.h"
#include "imapd/store_terms.h"
#include "lib/base/text.h"
#include "lib/event/yield.h"
#include "lib/imap/append.h"
#include "lib/imap/url.h"
#include "lib/mime/binary.h"
#include "lib/mime/utf7.h"

namespace facteur::imapd {

namespace {

Reply too_big() {
    return no("[TOOBIG] Message is too large.");
}

Reply bad_url(const std::string& url) {
    // RFC 4469 section 5: url-resp-text is anything but "]".
    return no("[BADURL " + replace_all(printable(url, 200), "]", "") + "] No such message.");
}

}  // namespace

/// What has come of the messages of one command.
struct Session::Appending {
    std::string line;  ///< what stands on the line behind what was understood
    std::vector<store::NewMessage> messages;
    std::uint64_t total = 0;  ///< octets of all of them
};

Task<void> Session::discard(std::uint64_t size) {
    while (size > 0) {
        stream_.set_deadline(settings_.timeout());
        std::size_t here = (co_await stream_.peek()).size();
        here = static_cast<std::size_t>(std::min<std::uint64_t>(here, size));
        stream_.consume(here);
        reader_.count(here);
        size -= here;
    }
}

// RFC 7888 section 4: what a client does not wait to send comes also when it is refused.
Task<void> Session::drain(Appending& appending) {
    for (;;) {
        auto mark = imap::trailing_literal(appending.line);
        if (!mark || mark->synchronizing) co_return;
        co_await discard(mark->size);
        stream_.set_deadline(settings_.timeout());
        appending.line = co_await reader_.rest_of_line();
    }
}

/// Reads one literal to its end, and the line behind it.
Task<std::optional<Reply>> Session::receive_literal(Appending& appending, imap::LiteralMark mark,
                                                    MessageBuffer& buffer) {
    std::uint64_t limit = settings_.append_limit();
    std::uint64_t total = settings_.append_command_limit();
    if (mark.size > limit || buffer.size() > limit - mark.size || mark.size > total ||
        appending.total > total - mark.size) {
        co_return too_big();
    }
    appending.total += mark.size;
    if (mark.synchronizing) {
        out_.put("+ OK\r\n");
        co_await out_.flush();
    }
    for (std::uint64_t left = mark.size; left > 0;) {
        stream_.set_deadline(settings_.timeout());
        std::string_view block = co_await stream_.peek();
        block =
            block.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left, block.size())));
        buffer.add(block);
        left -= block.size();
        reader_.count(block.size());
        stream_.consume(block.size());
    }
    stream_.set_deadline(settings_.timeout());
    appending.line = co_await reader_.rest_of_line();
    co_return std::nullopt;
}

/// The bytes that a URL stands for; false when there are none.
Task<Result<bool>> Session::add_message_part(store::Mailbox& mailbox, imap::MessageUrl url,
                                             MessageBuffer& buffer) {
    std::uint32_t sequence = mailbox.sequence_from(url.uid);
    if (url.uid_validity && *url.uid_validity != mailbox.uid_validity()) co_return false;
    if (sequence > mailbox.size() || mailbox.uid(sequence) != url.uid) co_return false;
    CO_TRY(store::Summary summary, co_await mailbox.summary(url.uid));
    CO_TRY(store::Content content, co_await mailbox.content(url.uid));
    auto span = imap::locate(summary.structure, content.size, url.section);
    if (!span) co_return false;
    if (url.section.text == imap::Section::Text::header_fields ||
        url.section.text == imap::Section::Text::header_fields_not) {
        std::string header = read_bytes(content.fd.get(), span->offset, span->size);
        buffer.add(chosen_fields(header, url.section));
        co_return true;
    }
    imap::Span piece = clip(*span, url.partial);
    if (buffer.size() + piece.size > settings_.append_limit()) co_return permanent("", "5.3.4");
    constexpr std::uint64_t kBlock = 256 * 1024;
    while (piece.size > 0) {
        std::uint64_t block = std::min(piece.size, kBlock);
        std::string bytes =
            read_bytes(content.fd.get(), piece.offset, static_cast<std::size_t>(block));
        if (bytes.empty()) co_return false;
        buffer.add(bytes);
        piece.offset += bytes.size();
        piece.size -= bytes.size();
        co_await Yield();
    }
    co_return true;
}

// RFC 4469 section 3
Task<std::optional<Reply>> Session::add_url(Appending& appending, std::string text,
                                            MessageBuffer& buffer) {
    auto url = imap::parse_message_url(text);
    bool is_ours = url && (url->host.empty() || iequals(url->host, settings_.myhostname()));
    if (!is_ours) co_return bad_url(text);
    if (iequals(url->mailbox, "INBOX")) url->mailbox = "INBOX";
    store::Mailbox* mailbox = mailbox_.get();
    std::unique_ptr<store::Mailbox> other;
    if (!mailbox_ || mailbox_->name() != url->mailbox) {
        auto opened = co_await store_.open(url->mailbox, true);
        if (!opened) co_return bad_url(text);
        other = *std::move(opened);
        mailbox = other.get();
    }
    std::uint64_t before = buffer.size();
    auto added = co_await add_message_part(*mailbox, *std::move(url), buffer);
    if (!added && added.error().status == "5.3.4") co_return too_big();
    if (!added && added.error().is_temporary()) co_return refused(added.error());
    if (!added || !*added) co_return bad_url(text);
    appending.total += buffer.size() - before;
    if (appending.total > settings_.append_command_limit()) co_return too_big();
    co_return std::nullopt;
}

Task<std::optional<Reply>> Session::catenate(Appending& appending, MessageBuffer& buffer) {
    std::optional<Reply> refusal;
    for (;;) {
        imap::Scanner scanner(appending.line);
        auto part = imap::parse_catenate_part(scanner);
        if (!part) co_return bad(part.error());
        std::string rest(scanner.rest());
        appending.line = std::move(rest);
        if (part->mark && part->is_url) {
            if (part->mark->size > settings_.max_line_length()) co_return too_big();
            MessageBuffer url;
            refusal = co_await receive_literal(appending, *part->mark, url);
            if (!refusal) part->url = url.text().value_or("");
        } else if (part->mark) {
            refusal = co_await receive_literal(appending, *part->mark, buffer);
        }
        if (!refusal && part->is_url) refusal = co_await add_url(appending, part->url, buffer);
        if (refusal) co_return refusal;
        bool ends = appending.line.starts_with(')');
        if (!ends && !appending.line.starts_with(' ')) co_return bad("')' expected");
        appending.line.erase(0, 1);
        if (ends) co_return std::nullopt;
    }
}

/// NUL is nothing that every client could read again: such parts become base64.
Task<Result<store::NewMessage>> Session::finish_message(MessageBuffer buffer, bool is_binary) {
    if (!is_binary) co_return buffer.take();
    std::function<Result<std::string>()> work = [&buffer]() -> Result<std::string> {
        TRY(std::string text, buffer.text());
        return mime::without_nul(text);
    };
    auto encoded = co_await workers_.run<Result<std::string>>(std::move(work));
    if (!encoded) co_return std::unexpected(encoded.error());
    MessageBuffer clean;
    clean.add(*encoded);
    co_return clean.take();
}

/// One message with its flags; the line is then what stands behind it.
Task<std::optional<Reply>> Session::receive_message(Appending& appending) {
    imap::Scanner scanner(appending.line);
    auto head = imap::parse_append_message(scanner);
    if (!head) co_return bad(head.error());
    std::string rest(scanner.rest());
    appending.line = std::move(rest);
    using Form = imap::AppendMessage::Form;
    if (head->form == Form::utf8 && !utf8_) co_return bad("UTF8=ACCEPT is not enabled.");
    MessageBuffer buffer;
    std::optional<Reply> refusal;
    if (head->form == Form::catenate) {
        refusal = co_await catenate(appending, buffer);
    } else {
        refusal = co_await receive_literal(appending, head->mark, buffer);
    }
    if (refusal) co_return refusal;
    if (head->form == Form::utf8) {
        if (!appending.line.starts_with(')')) co_return bad("')' expected");
        appending.line.erase(0, 1);
    }
    // RFC 3502 section 6.3.11: an empty literal takes the APPEND back.
    if (buffer.size() == 0) co_return no("Can't save a zero byte message.");
    auto message = co_await finish_message(std::move(buffer), head->mark.binary);
    if (!message && !message.error().is_temporary()) co_return no("[UNKNOWN-CTE] NUL in a header.");
    if (!message) co_return refused(message.error());
    message->flags = to_store_flags(head->flags.system);
    message->keywords = std::move(head->flags.keywords);
    if (head->date) message->internal_date = std::chrono::system_clock::to_time_t(*head->date);
    appending.messages.push_back(*std::move(message));
    co_return std::nullopt;
}

Task<std::optional<Reply>> Session::receive_messages(Appending& appending, std::size_t limit) {
    do {
        if (appending.messages.size() == message_limit()) {
            co_return no("[MESSAGELIMIT " + std::to_string(message_limit()) +  // RFC 9738 section 3
                         "] Too many messages.");
        }
        if (appending.messages.size() == limit) co_return no("[LIMIT] Too many messages.");
        std::optional<Reply> refusal = co_await receive_message(appending);
        if (refusal) co_return refusal;
    } while (!appending.line.empty());
    co_return std::nullopt;
}

/// Receives what stands in the arguments behind the name of the mailbox and puts it there.
Task<Session::Saved> Session::save_messages(Command& command, std::string wire, std::size_t limit) {
    Saved saved;
    Appending appending;
    appending.line = std::string(command.arguments.rest());
    std::optional<Reply> refusal = co_await receive_messages(appending, limit);
    auto name = utf8_name(wire);
    if (!refusal && !name) refusal = no("[CANNOT] Mailbox name is not valid.");
    if (refusal) {
        co_await drain(appending);
        saved.reply = *std::move(refusal);
        co_return saved;
    }
    auto appended = co_await store_.append_all(*std::move(name), std::move(appending.messages));
    if (!appended) {
        saved.reply = refused(target_error(appended.error()));
        co_return saved;
    }
    std::vector<std::uint32_t> uids;
    for (const store::Appended& one : *appended)
        uids.push_back(one.uid);
    saved.is_there = true;
    saved.code = "[APPENDUID " + std::to_string(appended->front().uid_validity) + " " +
                 imap::to_text(uids) + "] ";
    co_return saved;
}

Task<Reply> Session::do_append(Command& command) {
    auto name = imap::parse_append_mailbox(command.arguments);
    if (!name) co_return bad(name.error());
    auto limit = static_cast<std::size_t>(settings_.append_messages_limit());
    Saved saved = co_await save_messages(command, *std::move(name), limit);
    if (!saved.is_there) co_return saved.reply;
    co_return ok(saved.code + "Append completed.");
}

// RFC 8508 section 3: the new message is there before the old one goes, and the client hears of
// both in that order.
Task<Reply> Session::do_replace(Command& command) {
    if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
    auto number = command.arguments.nz_number();
    if (!number) co_return bad(number.error());
    auto name = imap::parse_append_mailbox(command.arguments);
    if (!name) co_return bad(name.error());
    std::uint32_t sequence = command.by_uid ? mailbox_->sequence_from(*number) : *number;
    bool is_there = sequence <= mailbox_->size() &&
                    (!command.by_uid || mailbox_->uid(sequence) == *number) &&
                    !mailbox_->message(sequence).expunged;
    std::optional<Reply> refusal;
    if (!is_there) refusal = no("[NONEXISTENT] No such message.");
    if (!is_there && !command.by_uid) refusal = bad("Invalid messageset");
    if (mailbox_->read_only()) refusal = no("[READ-ONLY] Mailbox is read-only.");
    if (refusal) {
        Appending appending;
        appending.line = std::string(command.arguments.rest());
        co_await drain(appending);
        co_return *std::move(refusal);
    }
    std::uint32_t uid = mailbox_->uid(sequence);
    Saved saved = co_await save_messages(command, *std::move(name), 1);
    if (!saved.is_there) co_return saved.reply;
    out_.put("* OK " + saved.code + "Replacement message ready.\r\n");
    std::vector<std::uint32_t> uids{uid};
    store::FlagChange change;
    change.flags = store::deleted;
    auto marked = co_await mailbox_->store(uids, std::move(change));
    if (!marked) co_return refused(marked.error());
    auto expunged = co_await mailbox_->expunge(std::move(uids));
    if (!expunged) co_return refused(expunged.error());
    co_await tell_changes(true);
    co_return ok(highest_modseq_code() + "Replace completed.");
}

}  // namespace facteur::imapd
