/*++
NAME
    sendmail - hand a message to the mail system

SYNOPSIS
    sendmail [options] [recipient ...]

DESCRIPTION
    Reads a message from standard input and puts it into the queue for the recipients.  It works
    while the mail system is stopped: the message waits in maildrop/.

    -t  Take the recipients from To:, Cc: and Bcc: as well; Bcc: is removed.
    -i, -oi
        A line with a single dot does not end the message.
    -f sender, -r sender
        The envelope sender; the default is the user who calls.
    -F name
        The full name in From:, where the message has none.
    -B 8BITMIME
        The message holds 8-bit text.
    -N dsn
        When to notify the sender (RFC 3461): never, or a list of success, failure, delay.
    -R full|hdrs
        What a notification returns.
    -V envid
        The envelope id that notifications name.
    -C directory
        Where main.cf is.
    -q  Flush the queue.
    -v  Send the caller a report of the first attempt to deliver the message.
    -bv Deliver nothing: send the caller a report of how far mail for each recipient would come.
    -bm Read a message and send it; the default.
    -bp Show the queue, as mailq does.
    -bs Speak SMTP on standard input and output; messages go into the queue as from the caller.
    -bi Make the alias databases, as newaliases does.

    Options of other sendmails that have no meaning here are accepted.

DIAGNOSTICS
    The exit status is one of <sysexits.h>.

SEE ALSO
    facteur-queue(1), drop(1), qmgr(8)
--*/
// sendmail(1): the name by which every program on a Unix host sends mail.

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include <fmt/format.h>
#include <pwd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/base/time.h"
#include "lib/mime/address.h"
#include "lib/smtp/xtext.h"
#include "lib/spool/envelope.h"
#include "lib/spool/lines.h"
#include "lib/spool/queue_id.h"
#include "tools/facteur/commands.h"
#include "tools/facteur/draft.h"
#include "tools/facteur/instance.h"
#include "tools/facteur/names.h"
#include "tools/facteur/sendmail_server.h"

namespace facteur::tool {
namespace {

/// What the command line said, after Postfix's and Sendmail's manuals.
struct Options {
    std::string directory;
    std::string sender;
    bool has_sender = false;
    std::string full_name;
    bool extract_recipients = false;
    bool dot_ends = true;
    bool flush = false;
    char mode = 'm';
    std::uint8_t notify = 0;
    spool::Ret ret = spool::Ret::unset;
    std::string envid;
    spool::Body body = spool::Body::seven_bit;
    bool smtputf8 = false;
    spool::Report report = spool::Report::none;
    std::vector<std::string> recipients;
};

int fail(int status, std::string_view text) {
    std::cerr << "sendmail: " << text << "\n";
    return status;
}

/// "<a@b>" or "Name <a@b>" or "a@b": the address in it.
std::string bare_address(const char* text) {
    if (text == std::string_view("<>")) return std::string();
    for (const mime::Address& address : mime::parse_addresses(text)) {
        if (address.mailbox.empty()) continue;
        return address.host.empty() ? address.mailbox : address.mailbox + "@" + address.host;
    }
    return text;
}

Result<void> take_dsn_option(Options& options, int option) {
    if (option == 'N') {
        TRY(options.notify, spool::parse_notify(optarg));
    } else if (option == 'V') {
        options.envid = smtp::xtext_encode(optarg);
        if (options.envid.size() > 100) return permanent("-V takes up to 100 characters");
    } else if (iequals(optarg, "full") || iequals(optarg, "hdrs")) {
        options.ret = iequals(optarg, "full") ? spool::Ret::full : spool::Ret::headers;
    } else {
        return permanent("-R takes full or hdrs");
    }
    return {};
}

Result<void> take_option(Options& options, int option) {
    switch (option) {
        case 'C':
            // Sendmail's is a file; Postfix takes its folder.
            options.directory = optarg;
            if (options.directory.ends_with("/main.cf"))
                options.directory.resize(options.directory.size() - 8);
            return {};
        case 'F':
            options.full_name = optarg;
            return {};
        case 'f':
        case 'r':
            options.sender = bare_address(optarg);
            options.has_sender = true;
            return {};
        case 'B':
            if (iequals(optarg, "8BITMIME")) options.body = spool::Body::eight_bit_mime;
            return {};
        case 'N':
        case 'V':
        case 'R':
            return take_dsn_option(options, option);
        case 't':
            options.extract_recipients = true;
            return {};
        case 'i':
            options.dot_ends = false;
            return {};
        case 'o':
            if (std::string_view(optarg) == "i") options.dot_ends = false;
            if (std::string_view(optarg) == "8") options.body = spool::Body::eight_bit_mime;
            return {};
        case 'q':
            options.flush = true;
            return {};
        case 'I':
            options.mode = 'i';
            return {};
        case 'b':
            options.mode = optarg[0];
            if (options.mode == 'v') options.report = spool::Report::verify;
            return {};
        case 'v':
            if (options.mode != 'v') options.report = spool::Report::attempt;
            return {};
        case '?':
            return permanent("unknown option");
        default:
            return {};  // what other sendmails need and this one does not
    }
}

Result<Options> parse(int argc, char** argv) {
    Options options;
    options.directory = directory_from_environment();
    const char* name = std::getenv("NAME");
    if (name) options.full_name = name;
    opterr = 0;
    constexpr const char* kOptions = "A:B:C:F:GIL:N:O:R:UV:X:b:ce:f:h:imno:p:r:q::s:tvx";
    for (int option = 0; (option = ::getopt(argc, argv, kOptions)) != -1;) {  // NOLINT: one thread
        TRY_VOID(take_option(options, option));
    }
    for (int i = optind; i < argc; ++i)
        options.recipients.push_back(bare_address(argv[i]));
    return options;
}

/// Up to the end, or to a line with a dot alone.
std::string read_message(bool dot_ends) {
    std::string message;
    std::string line;
    while (std::getline(std::cin, line)) {
        if (dot_ends && (line == "." || line == ".\r")) break;
        message += line;
        if (!std::cin.eof()) message += '\n';
    }
    return message;
}

std::string user_name() {
    const passwd* user = ::getpwuid(::getuid());
    return user ? user->pw_name : fmt::format("{}", ::getuid());
}

std::string full_name_of_user() {
    const passwd* user = ::getpwuid(::getuid());
    if (!user || !user->pw_gecos) return std::string();
    std::string_view gecos = user->pw_gecos;
    return replace_all(std::string(gecos.substr(0, gecos.find(','))), "&", user->pw_name);
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

/// Hands the message to the helper that may write to maildrop/; its exit status.
int drop(const std::string& directory, std::string_view envelope, std::string_view content) {
    int to_child[2];
    int from_child[2];
    if (::pipe(to_child) != 0 || ::pipe(from_child) != 0) return fail(EX_OSERR, "no pipe");
    pid_t child = ::fork();
    if (child < 0) return fail(EX_OSERR, "cannot fork");
    if (child == 0) {
        ::dup2(to_child[0], STDIN_FILENO);
        ::dup2(from_child[1], STDOUT_FILENO);
        for (int fd : {to_child[0], to_child[1], from_child[0], from_child[1]})
            ::close(fd);
        std::string program = find_program("drop");
        ::execl(program.c_str(), "drop", "-c", directory.c_str(), nullptr);
        std::_Exit(EX_UNAVAILABLE);
    }
    ::close(to_child[0]);
    ::close(from_child[1]);
    bool whole = write_all(to_child[1], envelope) && write_all(to_child[1], content);
    ::close(to_child[1]);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    ::close(from_child[0]);
    if (!WIFEXITED(status)) return fail(EX_SOFTWARE, "drop was killed");
    if (WEXITSTATUS(status) == EX_UNAVAILABLE) return fail(EX_UNAVAILABLE, "cannot run drop");
    if (WEXITSTATUS(status) == 0 && !whole) return fail(EX_IOERR, "drop took not all");
    return WEXITSTATUS(status);
}

std::string envelope_text(const Options& options, const std::string& sender,
                          const std::vector<std::string>& recipients, bool eight_bit) {
    spool::Envelope envelope;
    envelope.sender = sender;
    envelope.ret = options.ret;
    envelope.report = options.report;
    envelope.envid = options.envid;
    envelope.smtputf8 = options.smtputf8;
    envelope.body = eight_bit ? spool::Body::eight_bit_mime : options.body;
    for (const std::string& address : recipients) {
        spool::Recipient recipient;
        recipient.address = address;
        recipient.notify = options.notify;
        envelope.recipients.push_back(std::move(recipient));
    }
    return to_text(envelope) + "\n";
}

bool is_ascii(std::string_view text) {
    for (char c : text) {
        if (static_cast<unsigned char>(c) >= 0x80) return false;
    }
    return true;
}

int send(const Options& options) {
    auto instance = Instance::open(options.directory);
    if (!instance) return fail(EX_CONFIG, instance.error().text);
    DraftWishes wishes;
    wishes.extract_recipients = options.extract_recipients;
    wishes.sender = options.has_sender ? options.sender : user_name();
    wishes.full_name = options.full_name.empty() ? full_name_of_user() : options.full_name;
    wishes.origin = instance->settings->myorigin();
    wishes.message_id = spool::make_queue_id() + "@" + instance->settings->myhostname();
    wishes.date = rfc5322_date(std::chrono::system_clock::now());
    // -bv delivers nothing: there is nothing to read.
    const bool verify = options.report == spool::Report::verify;
    Draft draft =
        make_draft(verify ? "Subject: probe\n\n" : read_message(options.dot_ends), wishes);
    std::vector<std::string> recipients = options.recipients;
    recipients.insert(recipients.end(), draft.recipients.begin(), draft.recipients.end());
    if (recipients.empty()) {
        return fail(EX_USAGE, options.extract_recipients ? "no recipients in the header"
                                                         : "recipient addresses must be given");
    }
    std::string envelope =
        envelope_text(options, wishes.sender, recipients, !is_ascii(draft.content));
    return drop(instance->directory, envelope, draft.content);
}

/// Messages come complete, as from other programs that speak SMTP: what is missing is added.
int serve(const Options& options) {
    auto instance = Instance::open(options.directory);
    if (!instance) return fail(EX_CONFIG, instance.error().text);
    StandaloneServer server;
    server.hostname = instance->settings->myhostname();
    server.mail_name = instance->settings->mail_name();
    server.size_limit = instance->settings->message_size_limit();
    server.submit = [&](const spool::Envelope& envelope, std::string_view content) {
        DraftWishes wishes;
        wishes.sender = envelope.sender;
        wishes.origin = instance->settings->myorigin();
        wishes.message_id = spool::make_queue_id() + "@" + server.hostname;
        wishes.date = rfc5322_date(std::chrono::system_clock::now());
        Draft draft = make_draft(content, wishes);
        return drop(instance->directory, to_text(envelope) + "\n", draft.content);
    };
    server.serve(std::cin, std::cout);
    return EX_OK;
}

}  // namespace

int sendmail_main(int argc, char** argv) {
    ::signal(SIGPIPE, SIG_IGN);  // NOLINT: the answer of write(2) is what we look at
    auto options = parse(argc, argv);
    if (!options) {
        return fail(EX_USAGE, options.error().text +
                                  "; usage: sendmail [-t] [-i] [-f sender] [-F name] [-N dsn] "
                                  "[-R ret] [-V envid] [recipient ...]");
    }
    std::string directory = options->directory;
    if (options->flush) return flush_queue(directory);
    switch (options->mode) {
        case 'p':
            return list_queue(directory);
        case 'i': {
            std::string name = "newaliases";
            std::string flag = "-c";
            char* arguments[] = {name.data(), flag.data(), directory.data(), nullptr};
            optind = 1;
            return newaliases_main(3, arguments);
        }
        case 'm':
        case 'v':
            return send(*options);
        case 's':
            return serve(*options);
        default:
            return fail(EX_USAGE, fmt::format("mode -b{} is not supported", options->mode));
    }
}

}  // namespace facteur::tool
