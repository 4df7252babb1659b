/*++
NAME
    drop - put a message into maildrop/

SYNOPSIS
    drop [-c directory]

DESCRIPTION
    drop reads an envelope and a message from standard input and leaves both as one file in the
    folder maildrop/ of the queue, from where qmgr takes it, now or when it is started.  It prints
    the queue id.  sendmail(1) is its only caller.

    The input is the lines "sender ADDRESS", "recipient ADDRESS" and their details as in a queue
    file, an empty line, then the message up to the end of the input.

SECURITY
    drop is installed set-gid to setgid_group, which alone may write to maildrop/.  It takes the
    queue from the main.cf of a folder that the administrator named, whoever calls it; it starts no
    program, believes nothing in its environment, and keeps its limits.  Who called is known by the
    owner of the file, which the kernel sets.

DIAGNOSTICS
    The exit status is one of <sysexits.h>: 0, 65 (the input is wrong or too large), 75 (try again),
    77 (not permitted), 78 (configuration).

SEE ALSO
    sendmail(1), qmgr(8)
--*/
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/config/common.h"
#include "lib/config/load.h"
#include "lib/spool/files.h"
#include "lib/spool/queue_file.h"
#include "lib/spool/queue_id.h"

namespace facteur {
namespace {

constexpr const char* kInstalled = "/etc/facteur";
constexpr std::size_t kMostEnvelope = 32 << 20;
constexpr std::size_t kBlock = 64 << 10;

struct Settings : conf::Common {
    conf::Param<conf::List> alternate_config_directories{
        params, "alternate_config_directories", "",
        "Folders with a main.cf that commands with the rights of others may use."};
};

[[noreturn]] void die(int status, std::string_view text) {
    std::string line = "drop: " + printable(text) + "\n";
    [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    std::_Exit(status);
}

/// Descriptors 0 to 2 are open, so that no file of ours can take their place.
void guard_descriptors() {
    for (;;) {
        int fd = ::open("/dev/null", O_RDWR);
        if (fd < 0) std::_Exit(EX_OSERR);
        if (fd <= STDERR_FILENO) continue;
        ::close(fd);
        return;
    }
}

void load(Settings& settings, const std::string& directory) {
    std::string file = directory + "/main.cf";
    auto fd = spool::open_to_read(file);
    if (!fd) die(EX_CONFIG, fd.error().text);
    struct stat st {};
    if (::fstat(fd->get(), &st) != 0) die(EX_CONFIG, "stat " + file);
    auto text = spool::read_exactly(fd->get(), 0, static_cast<std::size_t>(st.st_size));
    if (!text) die(EX_CONFIG, text.error().text);
    auto main_cf = conf::MainCf::parse(*text, file);
    main_cf.override_with("config_directory", directory);
    conf::load(settings, main_cf);
}

/// With the rights of the group, only what the administrator wrote is believed.
void check_directory(const std::string& directory) {
    if (::getegid() == ::getgid() && ::geteuid() == ::getuid()) return;
    if (directory == kInstalled) return;
    Settings installed;
    load(installed, kInstalled);
    const auto& allowed = installed.alternate_config_directories();
    if (std::find(allowed.begin(), allowed.end(), directory) == allowed.end()) {
        die(EX_NOPERM, "alternate_config_directories does not list " + directory);
    }
}

class Input {
public:
    /// One line without its end; false at the empty line that ends the envelope.
    bool line(std::string& out) {
        out.clear();
        for (;;) {
            std::string_view rest = std::string_view(block_).substr(used_);
            std::size_t end = rest.find('\n');
            out += rest.substr(0, end);
            if (end != std::string_view::npos) {
                used_ += end + 1;
                return !out.empty();
            }
            if (out.size() > kMostEnvelope || !more()) die(EX_DATAERR, "envelope has no end");
        }
    }
    /// What comes next of the content; empty at its end.
    std::string_view next() {
        if (used_ == block_.size() && !more()) return {};
        std::string_view rest = std::string_view(block_).substr(used_);
        used_ = block_.size();
        return rest;
    }

private:
    bool more() {
        block_.resize(kBlock);
        used_ = 0;
        for (;;) {
            ssize_t got = ::read(STDIN_FILENO, block_.data(), block_.size());
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) die(EX_IOERR, "cannot read the input");
            block_.resize(static_cast<std::size_t>(got));
            return got > 0;
        }
    }
    std::string block_;
    std::size_t used_ = 0;
};

/// The caller says who gets it and from whom; nothing else.
spool::Envelope read_envelope(Input& input) {
    std::string text;
    for (std::string line; input.line(line);) {
        text += line + "\n";
        if (text.size() > kMostEnvelope) die(EX_DATAERR, "envelope is too large");
    }
    auto read = spool::parse_envelope(text);
    if (!read) die(EX_DATAERR, read.error().text);
    spool::Envelope envelope;
    envelope.sender = read->sender;
    envelope.recipients = read->recipients;
    envelope.body = read->body;
    envelope.smtputf8 = read->smtputf8;
    envelope.ret = read->ret;
    envelope.envid = read->envid;
    envelope.report = read->report;
    return envelope;
}

std::string unfinished;  // what a signal removes

void remove_unfinished(int) {
    if (!unfinished.empty()) ::unlink(unfinished.c_str());
    std::_Exit(EX_TEMPFAIL);
}

[[noreturn]] void give_up(const Error& error) {
    ::unlink(unfinished.c_str());
    die(EX_TEMPFAIL, error.text);
}

void require(const Result<void>& done) {
    if (!done) give_up(done.error());
}

/// Content, then what is known only behind it, then the name that says it is whole.
void write_message(Input& input, spool::Envelope envelope, const std::string& id,
                   std::uint64_t limit) {
    spool::Files files;
    unfinished = "maildrop/." + id;
    auto fd = files.open(unfinished, O_WRONLY | O_CREAT | O_EXCL);
    if (!fd) die(EX_TEMPFAIL, fd.error().text);
    spool::FileHeader header{id, 0, 0};
    for (std::string_view block = input.next(); !block.empty(); block = input.next()) {
        require(files.write(fd->get(), block, spool::kContentOffset + header.content_length));
        header.content_crc = crc32c(block, header.content_crc);
        header.content_length += block.size();
        if (limit == 0 || header.content_length <= limit) continue;
        ::unlink(unfinished.c_str());
        die(EX_DATAERR, "message size exceeds limit");
    }
    envelope.size = header.content_length;
    require(files.write(fd->get(), spool::encode_trailer(envelope, {}),
                        spool::kContentOffset + header.content_length));
    require(files.write(fd->get(), spool::encode(header), 0));
    if (::fchmod(fd->get(), 0644) != 0) give_up(system_error("chmod").error());
    if (::fsync(fd->get()) != 0) give_up(system_error("fsync").error());
    require(files.rename(unfinished, "maildrop/" + id));
    unfinished.clear();
    // The group may not read the folder, so it cannot be opened to be flushed.  The file's flush
    // brings its new name with it: renaming changed the inode (ext4, xfs and btrfs do that).
    if (::fsync(fd->get()) != 0) give_up(system_error("fsync").error());
}

int run(int argc, char** argv) {
    std::string directory = kInstalled;
    for (int option = 0; (option = ::getopt(argc, argv, "c:")) != -1;) {  // NOLINT: one thread
        if (option != 'c') die(EX_USAGE, "usage: drop [-c directory]");
        directory = optarg;
    }
    check_directory(directory);
    Settings settings;
    load(settings, directory);
    if (::chdir(settings.queue_directory().c_str()) != 0) {
        die(EX_CONFIG, system_error(settings.queue_directory()).error().text);
    }
    for (int number : {SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGALRM, SIGXFSZ})
        ::signal(number, remove_unfinished);
    Input input;
    spool::Envelope envelope = read_envelope(input);
    std::string id = spool::make_queue_id();
    write_message(input, std::move(envelope), id, settings.message_size_limit());
    id += "\n";
    return ::write(STDOUT_FILENO, id.data(), id.size()) < 0 ? EX_IOERR : EX_OK;
}

}  // namespace
}  // namespace facteur

int main(int argc, char** argv) {
    facteur::guard_descriptors();
    ::clearenv();
    ::umask(077);
    return facteur::run(argc, argv);
}
