/*++
NAME
    facteur-queue - look at the mail queue and change it

SYNOPSIS
    facteur [-c directory] queue list [filter ...] [--json]
    facteur [-c directory] queue show [--envelope] [--header] [--body] ID ...
    facteur [-c directory] queue trace ID
    facteur [-c directory] queue stats|watch [filter ...] [--by-sender] [--most N] [--json]
    facteur [-c directory] queue flush [--site DOMAIN] [filter ...] [ID ...]
    facteur [-c directory] queue hold|release|requeue|delete|expire [--yes] [filter ...] [ID ...]
    facteur [-c directory] queue redirect TRANSPORT:NEXTHOP [filter ...] [ID ...]
    facteur [-c directory] queue suspend [DOMAIN ...]
    facteur [-c directory] queue resume DOMAIN ...
    mailq
    postqueue -f | -i id | -j | -p | -s site
    postsuper [-d id] [-e id] [-f id] [-h id] [-H id] [-r id] [queue]
    postcat [options] id ...

DESCRIPTION
    Asks the running qmgr.  An ID is a queue id as the log and the list show it, - for ids from
    standard input, or ALL.

    list
        All messages: id, size, time, sender, recipients and why they wait.  --json prints one
        object a line.  While qmgr does not run, root and the owner of the queue see what is on
        the disk; for others the exit status is 69.
    show
        Envelope, history, header and body of a message, or the parts that are named.
    trace
        The lines of the log that name a message, and what it waits for when it is still in the
        queue.
    stats
        How many recipients wait, by domain and by age in minutes, as qshape prints it.
        --by-sender counts messages by the domain of their sender, --most names how many domains
        are shown (20; 0 is all).  --png FILE draws the table as bars into a PNG file.
    watch
        The same every --interval seconds, until it is interrupted.
    flush
        Try again now what waits: everything, the messages that are named, or what goes to the
        domain of --site.
    hold, release
        Keep messages until they are released; let them go on.
    requeue
        Look up aliases and routes of the recipients anew, and try now.
    redirect
        Send messages by another transport, as master.cf names it, to another next hop:
        smtp:[relay.example.com].  "-" goes back to their own routes.
    suspend, resume
        Let nothing go to a domain, or to a next hop, until it is resumed; its mail is deferred
        meanwhile, also after a restart, and returned when its time is over.  Without a domain
        suspend lists what is suspended; resume ALL resumes everything.
    delete
        Remove messages; nobody is told.
    expire
        Return messages to their senders now.

    delete and expire ask before they do that to more than the messages that were named, unless
    --yes is there or standard input is no terminal.

    Filters, of which all have to fit; * and ? stand for anything, case does not matter:

    --sender, --recipient, --domain pattern
        The sender, a recipient who still waits, or the domain of one.
    --older, --younger time
        Time in the queue: 30m, 4h, 2d.
    --larger, --smaller size
        Size of the message: 100k, 10m.
    --reason words
        What is said of why it waits holds these words.
    --place active|deferred|hold
        Where it is.
    --client pattern
        The name or address of the client that brought it, or its SASL login.

    mailq, postqueue, postsuper and postcat take Postfix's options:

    -p  List (postqueue).
    -j  List as JSON (postqueue).
    -f  Flush (postqueue); expire (postsuper).
    -i id
        Flush one message (postqueue).
    -s site
        Flush what goes to a domain (postqueue).
    -d, -h, -H, -r, -e id
        Delete, hold, release, requeue, expire (postsuper).

DIAGNOSTICS
    The exit status is not 0 when qmgr is not running or knows no such message.

SEE ALSO
    qmgr(8), sendmail(1), facteur(1)
--*/
// facteur queue: its command line.

#include <memory>

#include <sysexits.h>

#include "tools/facteur/command_line.h"
#include "tools/facteur/commands.h"
#include "tools/facteur/queue_actions.h"

namespace facteur::tool {
namespace {

using Client = Result<std::unique_ptr<QueueClient>>;

struct Words {
    Selection selection;
    StatsWishes stats;
    std::string argument;
    bool json = false;
    bool envelope = false, header = false, body = false;
    unsigned interval = 5;
};
using Shared = std::shared_ptr<Words>;  ///< by the option parser and the callback

/// Connects to qmgr and does it.
template <class Do>
void with_client(Command& command, Context& context, Do what) {
    command.callback([&context, what] {
        Client client = QueueClient::connect(context.directory);
        context.status = client ? what(**client) : down("facteur", client.error());
    });
}

/// Reads the filter's options first; the exit status when they are wrong.
int settled(QueueFilter& filter) {
    auto done = filter.settle();
    return done ? 0 : fail("facteur", EX_USAGE, done.error().text);
}

void add_list(Command& queue, Context& context) {
    Shared words = std::make_shared<Words>();
    Command& list = queue.add_subcommand("list", "Messages, as mailq prints them");
    list.add_flag("--json", words->json, "One JSON object a line");
    words->selection.filter.add_options(list);
    list.callback([&context, words] {
        QueueFilter& filter = words->selection.filter;
        context.status = settled(filter);
        if (context.status != 0) return;
        context.status = list_messages("facteur", context.directory, filter, words->json);
    });
}

void add_show(Command& queue, Context& context) {
    Shared words = std::make_shared<Words>();
    Command& show = queue.add_subcommand("show", "Envelope, history, header and body");
    show.add_option("ID", words->selection.words, "Queue ids").required();
    show.add_flag("--envelope", words->envelope, "Only the envelope and the history");
    show.add_flag("--header", words->header, "Only the header");
    show.add_flag("--body", words->body, "Only the body");
    with_client(show, context, [words](QueueClient& client) {
        CatParts parts;
        if (words->envelope || words->header || words->body) {
            parts = {words->envelope, words->header, words->body, false};
        }
        return show_messages(client, "facteur", words->selection.words, parts);
    });
    Command& tracing = queue.add_subcommand("trace", "What happened to a message");
    tracing.add_option("ID", words->argument, "Queue id").required();
    with_client(tracing, context, [&context, words](QueueClient& client) {
        return trace(client, context.directory, words->argument);
    });
}

void add_stats(Command& queue, Context& context, bool again) {
    Shared words = std::make_shared<Words>();
    Command& stats = again ? queue.add_subcommand("watch", "The table of stats, again and again")
                           : queue.add_subcommand("stats", "Who waits, by domain and age");
    stats.add_flag("--by-sender", words->stats.by_sender, "By the domain of the sender");
    stats.add_option("--most", words->stats.most, "Domains that are shown; 0: all");
    if (again) stats.add_option("--interval", words->interval, "Seconds");
    if (!again) stats.add_option("--png", words->stats.picture, "Draw it into this file");
    if (!again) stats.add_flag("--json", words->stats.json, "For programs");
    words->stats.filter.add_options(stats);
    with_client(stats, context, [words, again](QueueClient& client) {
        int status = settled(words->stats.filter);
        if (status != 0) return status;
        return again ? watch(client, words->stats, words->interval)
                     : show_stats(client, words->stats);
    });
}

void add_flush(Command& queue, Context& context) {
    Shared words = std::make_shared<Words>();
    Command& flush = queue.add_subcommand("flush", "Try again now what waits");
    flush.add_option("ID", words->selection.words, "Queue ids; all without any");
    flush.add_option("--site", words->argument, "What goes to this domain");
    words->selection.filter.add_options(flush);
    with_client(flush, context, [words](QueueClient& client) {
        Selection& selection = words->selection;
        int status = settled(selection.filter);
        if (status != 0) return status;
        if (!words->argument.empty()) return flush_site(client, "facteur", words->argument);
        if (selection.words.empty() && !selection.filter.is_set()) {
            return flush_everything(client, "facteur");
        }
        return act(client, "facteur", ipc::QueueVerb::flush, selection);
    });
}

void add_verb(Command& queue, Context& context, const char* name, const char* help,
              ipc::QueueVerb verb) {
    Shared words = std::make_shared<Words>();
    Command& command = queue.add_subcommand(name, help);
    if (verb == ipc::QueueVerb::redirect) {
        command.add_option("TRANSPORT:NEXTHOP", words->argument, "Where to; - is its own route")
            .required();
    }
    command.add_option("ID", words->selection.words, "Queue ids, - for standard input, or ALL");
    command.add_flag("--yes", words->selection.confirmed, "Do not ask");
    words->selection.filter.add_options(command);
    with_client(command, context, [words, verb](QueueClient& client) {
        int status = settled(words->selection.filter);
        if (status != 0) return status;
        std::string argument = words->argument == "-" ? std::string() : words->argument;
        return act(client, "facteur", verb, words->selection, argument);
    });
}

void add_suspend(Command& queue, Context& context, bool resume) {
    Shared words = std::make_shared<Words>();
    Command& command =
        resume ? queue.add_subcommand("resume", "Let mail go to domains again")
               : queue.add_subcommand("suspend", "Let nothing go to domains; without any: list");
    Option domains = command.add_option("DOMAIN", words->selection.words, "Domains or next hops");
    if (resume) domains.required();
    with_client(command, context, [words, resume](QueueClient& client) {
        return suspend(client, words->selection.words, resume);
    });
}

}  // namespace

void add_queue(Command& app, Context& context) {
    Command& queue = app.add_subcommand("queue", "Look at the mail queue and change it");
    queue.require_subcommand();
    add_list(queue, context);
    add_show(queue, context);
    add_stats(queue, context, false);
    add_stats(queue, context, true);
    add_flush(queue, context);
    add_verb(queue, context, "hold", "Keep messages until they are released", ipc::QueueVerb::hold);
    add_verb(queue, context, "release", "Let held messages go on", ipc::QueueVerb::release);
    add_verb(queue, context, "requeue", "Resolve the recipients anew and try now",
             ipc::QueueVerb::requeue);
    add_verb(queue, context, "redirect", "Send messages by another transport",
             ipc::QueueVerb::redirect);
    add_verb(queue, context, "delete", "Remove messages from the queue", ipc::QueueVerb::remove);
    add_verb(queue, context, "expire", "Return messages to their senders now",
             ipc::QueueVerb::expire);
    add_suspend(queue, context, false);
    add_suspend(queue, context, true);
}

}  // namespace facteur::tool
