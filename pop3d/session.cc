#include "pop3d/session.h"

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/errors.h"

namespace facteur::pop3d {

namespace {

constexpr std::size_t kMaxLine = 512;  ///< RFC 2449 section 4 asks for 255
constexpr std::size_t kGather = 32 * 1024;

}  // namespace

const Session::Verb Session::kVerbs[] = {
    {"STAT", &Session::do_stat}, {"LIST", &Session::do_list}, {"RETR", &Session::do_retr},
    {"DELE", &Session::do_dele}, {"NOOP", &Session::do_noop}, {"RSET", &Session::do_rset},
    {"TOP", &Session::do_top},   {"UIDL", &Session::do_uidl}, {"CAPA", &Session::do_capa},
    {"QUIT", &Session::do_quit},
};

Session::Session(Stream& stream, store::Store& store, const Settings& settings)
    : stream_(stream), store_(store), settings_(settings) {}

std::string Session::statistics() const {
    std::uint64_t total = 0;
    for (const Entry& entry : entries_)
        total += entry.size;
    return "top=" + std::to_string(top_count_) + "/" + std::to_string(top_bytes_) +
           ", retr=" + std::to_string(retr_count_) + "/" + std::to_string(retr_bytes_) +
           ", del=" + std::to_string(deleted_) + "/" + std::to_string(entries_.size()) +
           ", size=" + std::to_string(total);
}

Task<void> Session::flush() {
    if (stream_.pending() == 0) co_return;
    stream_.set_deadline(settings_.write_timeout());
    co_await stream_.flush();
}

Task<void> Session::room() {
    if (stream_.pending() >= kGather) co_await flush();
}

// RFC 1939 section 3: when the timer ends the session, nothing is removed.
Task<void> Session::run() {
    try {
        co_await converse();
    } catch (const TimedOut&) {
        end("-ERR Disconnected for inactivity.", "Inactivity");
    } catch (const Cancelled&) {
        end("-ERR [SYS/TEMP] Server shutting down.", "Server shutting down");
    } catch (const Disconnect&) {
    }
    stream_.close();
    if (!mailbox_) co_return;
    try {
        co_await mailbox_->close();
    } catch (const Disconnect&) {  // the store writes back what is lazy when it can
    }
}

void Session::end(std::string_view text, std::string ending) {
    stream_.put(text);
    stream_.put("\r\n");
    ended_ = true;
    ending_ = std::move(ending);
}

/// Message numbers and sizes stand for the whole session (RFC 1939 section 5).
Task<Result<void>> Session::open() {
    auto opened = co_await store_.open("INBOX", false);
    if (!opened) co_return std::unexpected(opened.error());
    mailbox_ = *std::move(opened);
    std::vector<std::uint32_t> unknown;
    for (std::uint32_t sequence = 1; sequence <= mailbox_->size(); ++sequence) {
        store::Message message = mailbox_->message(sequence);
        if (message.size == 0) unknown.push_back(message.uid);
    }
    if (!unknown.empty()) {
        Result<void> measured = co_await mailbox_->measure(std::move(unknown));
        if (!measured) co_return measured;
    }
    entries_.reserve(mailbox_->size());
    for (std::uint32_t sequence = 1; sequence <= mailbox_->size(); ++sequence) {
        store::Message message = mailbox_->message(sequence);
        Entry entry;
        entry.uid = message.uid;
        entry.size = message.size;
        entry.is_read = message.flags & store::seen;
        if (!message.expunged) entries_.push_back(entry);
    }
    co_return Result<void>();
}

Task<void> Session::converse() {
    Result<void> opened = co_await open();
    if (!opened) {
        log_error("cannot open INBOX: " + opened.error().text);
        end("-ERR [SYS/TEMP] Mailbox cannot be opened, try again later.", "Mailbox not opened");
        co_return;
    }
    stream_.put("+OK Logged in.\r\n");
    while (!ended_) {
        if (stream_.has_line()) {  // RFC 2449 section 6.6: answers to a pipeline go together
            co_await room();
        } else {
            co_await flush();
        }
        stream_.set_deadline(settings_.timeout());
        Line line = co_await stream_.read_line(kMaxLine);
        std::string reply("-ERR Line too long.");
        if (!line.too_long) reply = co_await dispatch(line.text);
        stream_.put(reply + "\r\n");
        bad_commands_ = reply.starts_with("-ERR Unknown") ? bad_commands_ + 1 : 0;
        if (bad_commands_ >= settings_.bad_command_limit() && !ended_) {
            end("-ERR Too many bad commands.", "Too many bad commands");
        }
    }
    co_await flush();
}

Task<std::string> Session::dispatch(const std::string& line) {
    std::string_view arguments = line;
    std::string name = to_upper(take_word(arguments));
    for (const Verb& verb : kVerbs) {
        if (verb.name != name) continue;
        std::string reply = co_await (this->*verb.handler)(trim(arguments));
        co_return reply;
    }
    co_return "-ERR Unknown command: " + printable(name, 40);
}

}  // namespace facteur::pop3d
