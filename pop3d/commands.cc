// RFC 1939 sections 5, 6 and 7; RFC 2449.

#include <algorithm>
#include <cstdio>

#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "pop3d/dot_stuffing.h"
#include "pop3d/session.h"

namespace facteur::pop3d {

namespace {

constexpr std::size_t kBlock = 64 * 1024;

}  // namespace

Result<Session::Entry*> Session::entry(std::string_view number) {
    auto value = parse_number(number);
    if (!value) return permanent("-ERR Invalid message number: " + printable(number, 20));
    if (*value == 0 || *value > entries_.size()) {
        return permanent("-ERR There's no message " + std::to_string(*value) + ".");
    }
    Entry& found = entries_[static_cast<std::size_t>(*value) - 1];
    if (found.is_deleted) return permanent("-ERR Message is deleted.");
    return &found;
}

Task<std::string> Session::do_stat(std::string_view) {
    std::size_t count = 0;
    std::uint64_t total = 0;
    for (const Entry& entry : entries_) {
        if (entry.is_deleted) continue;
        ++count;
        total += entry.size;
    }
    co_return "+OK " + std::to_string(count) + " " + std::to_string(total);
}

Task<std::string> Session::listing(std::string_view arguments,
                                   std::string (Session::*value)(const Entry&) const) {
    if (!arguments.empty()) {
        auto one = entry(arguments);
        if (!one) co_return one.error().text;
        co_return "+OK " + std::string(arguments) + " " + (this->*value)(**one);
    }
    stream_.put("+OK\r\n");
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (entries_[i].is_deleted) continue;
        stream_.put(std::to_string(i + 1) + " " + (this->*value)(entries_[i]) + "\r\n");
        co_await room();
    }
    co_return std::string(".");
}

Task<std::string> Session::do_list(std::string_view arguments) {
    std::string reply = co_await listing(arguments, &Session::size_of);
    co_return reply;
}

// Dovecot's default format, so that clients of a mailbox that was taken over download nothing
// twice: UID and UIDVALIDITY, each as eight hexadecimal digits.
std::string Session::unique_id_of(const Entry& entry) const {
    char text[17];
    std::snprintf(text, sizeof text, "%08x%08x", entry.uid, mailbox_->uid_validity());
    return text;
}

Task<std::string> Session::do_uidl(std::string_view arguments) {
    std::string reply = co_await listing(arguments, &Session::unique_id_of);
    co_return reply;
}

Task<std::string> Session::send(Entry& entry, std::string ok, std::uint64_t lines) {
    auto content = co_await mailbox_->content(entry.uid);
    if (!content && content.error().status == "5.7.0") co_return "-ERR Message is gone.";
    if (!content) {
        log_error("cannot read a message: " + content.error().text);
        co_return "-ERR [SYS/TEMP] Message cannot be read, try again later.";
    }
    stream_.put(ok + "\r\n");
    DotStuffing stuffing(lines);
    std::string block(static_cast<std::size_t>(std::min<std::uint64_t>(content->size, kBlock)),
                      '\0');
    std::string out;
    std::uint64_t offset = 0;
    while (offset < content->size && !stuffing.is_done()) {
        ssize_t count =
            ::pread(content->fd.get(), block.data(), block.size(), static_cast<off_t>(offset));
        if (count <= 0) break;
        offset += static_cast<std::uint64_t>(count);
        out.clear();
        stuffing.append(out, std::string_view(block).substr(0, static_cast<std::size_t>(count)));
        sent_ += out.size();
        stream_.put(out);
        co_await room();
    }
    std::string last;
    stuffing.finish(last);
    last.resize(last.size() - 2);  // the loop ends each reply with CRLF
    co_return last;
}

Task<std::string> Session::do_retr(std::string_view arguments) {
    auto wanted = entry(arguments);
    if (!wanted) co_return wanted.error().text;
    std::uint64_t before = sent_;
    std::string reply =
        co_await send(**wanted, "+OK " + size_of(**wanted) + " octets", DotStuffing::kAllLines);
    ++retr_count_;
    retr_bytes_ += sent_ - before;
    (*wanted)->is_read = (*wanted)->is_read || !reply.starts_with("-ERR");
    co_return reply;
}

Task<std::string> Session::do_top(std::string_view arguments) {
    std::string_view number = take_word(arguments);
    auto wanted = entry(number);
    if (!wanted) co_return wanted.error().text;
    auto lines = parse_number(trim(arguments));
    if (!lines) co_return std::string("-ERR Invalid number of lines.");
    std::uint64_t before = sent_;
    std::string reply = co_await send(**wanted, "+OK", *lines);
    ++top_count_;
    top_bytes_ += sent_ - before;
    co_return reply;
}

Task<std::string> Session::do_dele(std::string_view arguments) {
    auto wanted = entry(arguments);
    if (!wanted) co_return wanted.error().text;
    (*wanted)->is_deleted = true;
    co_return "+OK Marked to be deleted.";
}

Task<std::string> Session::do_noop(std::string_view) {
    co_return "+OK";
}

Task<std::string> Session::do_rset(std::string_view) {
    for (Entry& entry : entries_)
        entry.is_deleted = false;
    co_return "+OK";
}

// RFC 2449 section 5; what can be used only before the login is not told here.
Task<std::string> Session::do_capa(std::string_view) {
    co_return "+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\n"
              "EXPIRE NEVER\r\nIMPLEMENTATION Facteur\r\n.";
}

// RFC 1939 section 6: only here are messages removed.
Task<std::string> Session::do_quit(std::string_view) {
    ended_ = true;
    ending_ = "Logged out";
    std::vector<std::uint32_t> deleted;
    std::vector<std::uint32_t> read;
    for (const Entry& entry : entries_) {
        if (entry.is_deleted) {
            deleted.push_back(entry.uid);
        } else if (entry.is_read && !settings_.no_flag_updates()) {
            read.push_back(entry.uid);
        }
    }
    store::FlagChange seen;
    seen.flags = store::seen;
    if (!read.empty()) co_await mailbox_->store(std::move(read), std::move(seen));
    if (deleted.empty()) co_return "+OK Logging out.";
    store::FlagChange mark;
    mark.flags = store::deleted;
    auto marked = co_await mailbox_->store(deleted, std::move(mark));
    deleted_ = deleted.size();
    auto expunged = co_await mailbox_->expunge(std::move(deleted));
    if (marked && expunged) co_return "+OK Logging out, messages deleted.";
    deleted_ = 0;
    log_error("cannot remove messages: " + (marked ? expunged.error() : marked.error()).text);
    co_return "-ERR [SYS/TEMP] Some deleted messages were not removed.";
}

}  // namespace facteur::pop3d
