#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "lib/ipc/codec.h"
#include "lib/ipc/ways/address.h"

/// What lmtp-local asks of a hand, a process that acts as one user: one datagram a task and one a
/// result, each the name of the message, a NUL, and its attributes; the content of the message is
/// the task's descriptor.
namespace facteur::lmtp_local {

/// No task or result is longer.
constexpr std::size_t kDatagramLimit = 128 * 1024;

/// Whom a hand acts for: the one datagram that the broker understands.
struct Identity {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t extra_gid = 0;  ///< one more group (that of the mail spool); 0: none

    auto operator<=>(const Identity&) const = default;
};

struct TaskResult {
    enum class Kind : std::uint8_t { done, temporary, permanent };
    Kind kind = Kind::done;
    std::string status;
    std::string text;
    /// MaildirTask: the file system that wants a flush; its descriptor comes with the result.
    std::uint64_t domain = 0;
    std::vector<ipc::AliasTarget> targets;  ///< ForwardTask
    bool found = false;                     ///< ForwardTask: there is such a file
    std::uint32_t path = 0;                 ///< ForwardTask: which of them
    std::vector<std::string> warnings;      ///< MaildirTask: commands of quota warnings

    static constexpr std::string_view kName = "result";
    static constexpr auto fields() {
        using M = TaskResult;
        using ipc::Field;
        return std::tuple{Field{"kind", &M::kind},       Field{"status", &M::status},
                          Field{"text", &M::text},       Field{"domain", &M::domain},
                          Field{"targets", &M::targets}, Field{"found", &M::found},
                          Field{"path", &M::path},       Field{"warnings", &M::warnings}};
    }
};

/// Append to INBOX of the Maildir at `location`.  Of a quota warning the result brings the command.
struct MaildirTask {
    std::string location;
    std::string hostname;
    std::string prefix;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::string delivery_id;
    bool maybe_delivered = false;
    bool durable = false;
    std::string user;
    std::vector<std::string> settings;  ///< store::Options::settings
    bool only_room = false;             ///< only: would a message of this size be over quota?

    static constexpr std::string_view kName = "maildir";
    static constexpr auto fields() {
        using M = MaildirTask;
        using ipc::Field;
        return std::tuple{Field{"location", &M::location},
                          Field{"hostname", &M::hostname},
                          Field{"prefix", &M::prefix},
                          Field{"offset", &M::offset},
                          Field{"size", &M::size},
                          Field{"delivery_id", &M::delivery_id},
                          Field{"maybe_delivered", &M::maybe_delivered},
                          Field{"durable", &M::durable},
                          Field{"user", &M::user},
                          Field{"settings", &M::settings},
                          Field{"only_room", &M::only_room}};
    }
};

/// Read the first of these ~/.forward files that is there.
struct ForwardTask {
    std::vector<std::string> paths;
    std::string home;                  ///< must be there; empty: need not
    std::vector<std::string> include;  ///< what :include: files may name: commands, files

    static constexpr std::string_view kName = "forward";
    static constexpr auto fields() {
        using M = ForwardTask;
        using ipc::Field;
        return std::tuple{Field{"paths", &M::paths}, Field{"home", &M::home},
                          Field{"include", &M::include}};
    }
};

/// Append to a file in mbox format (or to a device).
struct FileTask {
    std::string path;
    std::string from_line;  ///< "From a@b  Mon Jan  1 00:00:00 2024", without line end
    std::string prefix;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::vector<std::string> locks;  ///< mailbox_delivery_lock
    std::int64_t attempts = 0;
    std::int64_t delay = 0;   ///< milliseconds between two attempts
    std::int64_t stale = 0;   ///< seconds
    std::uint64_t limit = 0;  ///< mailbox_size_limit
    bool own = false;         ///< strict_mailbox_ownership

    static constexpr std::string_view kName = "file";
    static constexpr auto fields() {
        using M = FileTask;
        using ipc::Field;
        return std::tuple{Field{"path", &M::path},
                          Field{"from_line", &M::from_line},
                          Field{"prefix", &M::prefix},
                          Field{"offset", &M::offset},
                          Field{"size", &M::size},
                          Field{"locks", &M::locks},
                          Field{"attempts", &M::attempts},
                          Field{"delay", &M::delay},
                          Field{"stale", &M::stale},
                          Field{"limit", &M::limit},
                          Field{"own", &M::own}};
    }
};

/// Run a command with the message as its standard input.
struct CommandTask {
    std::string command;
    std::string shell;  ///< local_command_shell
    std::vector<std::string> environment;
    std::string directory;  ///< where it runs; empty: where the hand is
    std::string from_line;
    std::string prefix;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::int64_t seconds = 0;
    std::uint64_t output_limit = 0;  ///< bytes of what it writes
    bool bare = false;               ///< without a message

    static constexpr std::string_view kName = "command";
    static constexpr auto fields() {
        using M = CommandTask;
        using ipc::Field;
        return std::tuple{Field{"command", &M::command},
                          Field{"shell", &M::shell},
                          Field{"environment", &M::environment},
                          Field{"directory", &M::directory},
                          Field{"from_line", &M::from_line},
                          Field{"prefix", &M::prefix},
                          Field{"offset", &M::offset},
                          Field{"size", &M::size},
                          Field{"seconds", &M::seconds},
                          Field{"output_limit", &M::output_limit},
                          Field{"bare", &M::bare}};
    }
};

/// Run the command of a pipe transport; the text of a good result is what it wrote.
struct PipeTask {
    std::vector<std::string> argv;
    std::vector<std::string> environment;
    std::string directory;
    std::string from_line;  ///< empty: none
    std::string prefix;
    std::string eol = "\n";
    bool blank_line = false;  ///< flag B
    bool dots = false;        ///< flag .
    bool quote_from = false;  ///< flag >
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::int64_t seconds = 0;
    std::uint64_t output_limit = 0;

    static constexpr std::string_view kName = "pipe";
    static constexpr auto fields() {
        using M = PipeTask;
        using ipc::Field;
        return std::tuple{Field{"argv", &M::argv},
                          Field{"environment", &M::environment},
                          Field{"directory", &M::directory},
                          Field{"from_line", &M::from_line},
                          Field{"prefix", &M::prefix},
                          Field{"eol", &M::eol},
                          Field{"blank_line", &M::blank_line},
                          Field{"dots", &M::dots},
                          Field{"quote_from", &M::quote_from},
                          Field{"offset", &M::offset},
                          Field{"size", &M::size},
                          Field{"seconds", &M::seconds},
                          Field{"output_limit", &M::output_limit}};
    }
};

/// "NAME\0attributes".
template <class M>
std::string to_datagram(const M& message) {
    return std::string(M::kName) + '\0' + ipc::encode(message);
}

}  // namespace facteur::lmtp_local
