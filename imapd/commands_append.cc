// RFC 3501 section 6.3.11 APPEND, with APPENDUID (RFC 4315 section 3).

#include <algorithm>
#include <cerrno>

#include <sys/mman.h>
#include <unistd.h>

#include "imapd/session.h"
#include "imapd/store_terms.h"
#include "lib/base/text.h"
#include "lib/mime/utf7.h"

namespace facteur::imapd {

namespace {

/// Up to this size a message waits in a string, above in a memory file.
constexpr std::uint64_t kInString = 64 * 1024;

Result<void> write_fully(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        ssize_t count = ::write(fd, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_error("cannot keep the message");
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

}  // namespace

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

/// Reads the literal to its end, whatever happens to the message.
Task<Result<store::NewMessage>> Session::receive_message(const imap::LiteralMark& mark) {
    if (mark.synchronizing) {
        out_.put("+ OK\r\n");
        co_await out_.flush();
    }
    store::NewMessage message;
    Result<void> kept;
    if (mark.size <= kInString) {
        message.bytes.reserve(static_cast<std::size_t>(mark.size));
    } else {
        message.content.reset(::memfd_create("append", MFD_CLOEXEC));
        if (!message.content) kept = system_error("cannot make a memory file");
    }
    std::uint64_t left = mark.size;
    while (left > 0 && kept) {
        stream_.set_deadline(settings_.timeout());
        std::string_view block = co_await stream_.peek();
        block =
            block.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left, block.size())));
        if (message.content) {
            kept = write_fully(message.content.get(), block);
        } else {
            message.bytes += block;
        }
        left -= block.size();
        reader_.count(block.size());
        stream_.consume(block.size());
    }
    co_await discard(left);
    if (!kept) co_return std::unexpected(kept.error());
    co_return message;
}

Task<Reply> Session::do_append(Command& command) {
    auto arguments = imap::parse_append(command.arguments);
    if (!arguments) co_return bad(arguments.error());
    const imap::LiteralMark& mark = arguments->message;
    auto name = mime::utf7_to_utf8(arguments->mailbox);
    const char* problem = nullptr;
    if (!name) problem = "[CANNOT] Mailbox name is not valid modified UTF-7.";
    if (mark.size > settings_.append_limit()) problem = "[TOOBIG] Message is too large.";
    if (problem != nullptr && mark.synchronizing) co_return no(problem);
    if (problem != nullptr) {  // RFC 7888 section 4: the client sends it without waiting
        co_await discard(mark.size);
        co_await reader_.rest_of_line();
        co_return no(problem);
    }
    auto message = co_await receive_message(mark);
    stream_.set_deadline(settings_.timeout());
    std::string rest = co_await reader_.rest_of_line();
    if (!message) co_return refused(message.error());
    if (!rest.empty()) co_return bad("Unexpected text after the message.");
    // RFC 3502 section 6.3.11: an empty literal takes the APPEND back.
    if (mark.size == 0) co_return no("Can't save a zero byte message.");
    message->flags = to_store_flags(arguments->flags.system);
    message->keywords = std::move(arguments->flags.keywords);
    if (arguments->date) {
        message->internal_date = std::chrono::system_clock::to_time_t(*arguments->date);
    }
    if (iequals(*name, "INBOX")) name = "INBOX";
    auto appended = co_await store_.append(*std::move(name), *std::move(message));
    if (!appended) co_return refused(target_error(appended.error()));
    co_return ok("[APPENDUID " + std::to_string(appended->uid_validity) + " " +
                 std::to_string(appended->uid) + "] Append completed.");
}

}  // namespace facteur::imapd
