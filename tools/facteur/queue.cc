/*++
NAME
    facteur-queue - look at the mail queue and change it

SYNOPSIS
    facteur [-c directory] queue list [--json]
    facteur [-c directory] queue show [--envelope] [--header] [--body] ID ...
    facteur [-c directory] queue flush [--site DOMAIN] [ID ...]
    facteur [-c directory] queue hold|release|requeue|delete|expire ID ...
    mailq
    postqueue -f | -i id | -j | -p | -s site
    postsuper [-d id] [-e id] [-f id] [-h id] [-H id] [-r id] [queue]
    postcat [options] id ...

DESCRIPTION
    Asks the running qmgr.  An ID is a queue id as the log and the list show it, - for ids from
    standard input, or ALL.

    list
        All messages: id, size, time, sender, recipients and why they wait.  --json prints one
        object a line.
    show
        Envelope, history, header and body of a message, or the parts that are named.
    flush
        Try again now what waits: everything, the messages that are named, or what goes to the
        domain of --site.
    hold, release
        Keep messages until they are released; let them go on.
    requeue
        Look up aliases and routes of the recipients anew, and try now.
    delete
        Remove messages; nobody is told.
    expire
        Return messages to their senders now.

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
// facteur queue, and the names that hands know for it: mailq, postqueue, postsuper, postcat.

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/spool/queue_id.h"
#include "tools/facteur/command_line.h"
#include "tools/facteur/commands.h"
#include "tools/facteur/instance.h"
#include "tools/facteur/names.h"
#include "tools/facteur/queue_print.h"

namespace facteur::tool {
namespace {

int fail(std::string_view program, int status, std::string_view text) {
    std::cerr << program << ": " << text << "\n";
    return status;
}

using Client = Result<std::unique_ptr<QueueClient>>;

/// Ids of all messages; with a name of a queue ("deferred"), of those in it.
Result<std::vector<std::string>> all_ids(QueueClient& client, std::string_view queue = "") {
    TRY(auto ids, client.ids());
    std::vector<std::string> found;
    auto take = [&](const std::string& joined, std::string_view name) {
        if (!queue.empty() && queue != name) return;
        for (std::string& id : split_ids(joined))
            found.push_back(std::move(id));
    };
    take(ids.active, "active");
    take(ids.journal, "deferred");
    take(ids.deferred, "deferred");
    take(ids.hold, "hold");
    return found;
}

Result<void> list(QueueClient& client, bool json) {
    TRY(auto ids, all_ids(client));
    MailqPrinter printer;
    TRY_VOID(client.entries(ids, [&](const ipc::QueueEntry& entry) {
        if (json) {
            std::cout << to_json(entry) << "\n";
        } else {
            printer.print(entry);
        }
    }));
    if (!json) printer.end();
    return {};
}

bool is_of_site(const ipc::QueueEntry& entry, const std::string& site) {
    for (const ipc::QueueRecipient& recipient : entry.recipients) {
        if (iends_with(recipient.address, "@" + site)) return true;
    }
    return false;
}

Result<void> flush_site(QueueClient& client, const std::string& site) {
    TRY(auto ids, all_ids(client, "deferred"));
    std::vector<std::string> wanted;
    TRY_VOID(client.entries(ids, [&](const ipc::QueueEntry& entry) {
        if (is_of_site(entry, site)) wanted.push_back(entry.queue_id);
    }));
    if (wanted.empty()) return {};
    TRY(auto reply, client.act(ipc::QueueVerb::flush, std::move(wanted)));
    return {};
}

/// "ALL", "-" (ids on standard input) or an id.
Result<std::vector<std::string>> ids_of(QueueClient& client, const std::string& word,
                                        std::string_view queue) {
    if (word == "ALL") return all_ids(client, queue);
    std::vector<std::string> ids;
    if (word == "-") {
        for (std::string line; std::getline(std::cin, line);) {
            if (!trim(line).empty()) ids.emplace_back(trim(line));
        }
    } else {
        ids.push_back(word);
    }
    for (const std::string& id : ids) {
        if (!spool::is_queue_id(id)) return permanent("not a queue id: " + id);
    }
    return ids;
}

constexpr std::string_view kDone[] = {"Flushed",  "Placed on hold", "Released from hold",
                                      "Requeued", "Deleted",        "Expired"};

/// Does it and says so, as postsuper does; the exit status.
int act(QueueClient& client, std::string_view program, ipc::QueueVerb verb,
        const std::vector<std::string>& words, std::string_view queue = "") {
    int status = 0;
    for (const std::string& word : words) {
        auto ids = ids_of(client, word, queue);
        if (!ids) return fail(program, EX_USAGE, ids.error().text);
        if (ids->empty()) continue;
        auto reply = client.act(verb, *std::move(ids));
        if (!reply) return fail(program, 1, reply.error().text);
        for (const std::string& id : reply->missing) {
            if (word == "ALL") continue;
            status = fail(program, 1, "no such message: " + id);
        }
        if (reply->done == 0) continue;
        std::cerr << program << ": " << kDone[static_cast<std::size_t>(verb)] << ": " << reply->done
                  << (reply->done == 1 ? " message\n" : " messages\n");
    }
    return status;
}

int show(QueueClient& client, std::string_view program, const std::vector<std::string>& ids,
         const CatParts& parts) {
    int status = 0;
    for (const std::string& id : ids) {
        auto shown = client.show(id);
        Result<void> printed;
        if (shown) printed = print_message(id, *shown, parts);
        if (!shown) status = fail(program, 1, id + ": " + shown.error().text);
        if (!printed) status = fail(program, 1, id + ": " + printed.error().text);
    }
    return status;
}

int report(std::string_view program, const Result<void>& done) {
    return done ? 0 : fail(program, 1, done.error().text);
}

/// Without qmgr only what waits in maildrop/ can be told.
int down(std::string_view program, const Error& error) {
    return fail(program, EX_UNAVAILABLE,
                error.text + "; what is in maildrop/ and in the queue waits until it is started");
}

struct Words {
    std::vector<std::string> ids;
    bool json = false;
    std::string site;
    bool envelope = false, header = false, body = false;
};

CatParts parts_of(bool envelope, bool header, bool body) {
    CatParts parts;
    if (!envelope && !header && !body) return parts;
    parts = {envelope, header, body, false};
    return parts;
}

void add_verb(Command& queue, Context& context, const char* name, const char* help,
              ipc::QueueVerb verb) {
    auto words = std::make_shared<Words>();
    Command& command = queue.add_subcommand(name, help);
    command.add_option("ID", words->ids, "Queue ids, - for standard input, or ALL").required();
    command.callback([&context, words, verb] {
        Client client = QueueClient::connect(context.directory);
        context.status =
            client ? act(**client, "facteur", verb, words->ids) : down("facteur", client.error());
    });
}

}  // namespace

void add_queue(Command& app, Context& context) {
    Command& queue = app.add_subcommand("queue", "Look at the mail queue and change it");
    queue.require_subcommand();
    auto words = std::make_shared<Words>();
    Command& listing = queue.add_subcommand("list", "All messages, as mailq prints them");
    listing.add_flag("--json", words->json, "One JSON object a line");
    listing.callback([&context, words] {
        Client client = QueueClient::connect(context.directory);
        context.status = client ? report("facteur", list(**client, words->json))
                                : down("facteur", client.error());
    });
    Command& showing = queue.add_subcommand("show", "Envelope, history, header and body");
    showing.add_option("ID", words->ids, "Queue ids").required();
    showing.add_flag("--envelope", words->envelope, "Only the envelope and the history");
    showing.add_flag("--header", words->header, "Only the header");
    showing.add_flag("--body", words->body, "Only the body");
    showing.callback([&context, words] {
        Client client = QueueClient::connect(context.directory);
        CatParts parts = parts_of(words->envelope, words->header, words->body);
        context.status =
            client ? show(**client, "facteur", words->ids, parts) : down("facteur", client.error());
    });
    Command& flush = queue.add_subcommand("flush", "Try again now what waits");
    flush.add_option("ID", words->ids, "Queue ids; all without any");
    flush.add_option("--site", words->site, "What goes to this domain");
    flush.callback([&context, words] {
        Client client = QueueClient::connect(context.directory);
        if (!client) {
            context.status = down("facteur", client.error());
        } else if (!words->site.empty()) {
            context.status = report("facteur", flush_site(**client, words->site));
        } else if (words->ids.empty()) {
            auto reply = (*client)->act(ipc::QueueVerb::flush, {});
            context.status = reply ? 0 : fail("facteur", 1, reply.error().text);
        } else {
            context.status = act(**client, "facteur", ipc::QueueVerb::flush, words->ids);
        }
    });
    add_verb(queue, context, "hold", "Keep messages until they are released", ipc::QueueVerb::hold);
    add_verb(queue, context, "release", "Let held messages go on", ipc::QueueVerb::release);
    add_verb(queue, context, "requeue", "Resolve the recipients anew and try now",
             ipc::QueueVerb::requeue);
    add_verb(queue, context, "delete", "Remove messages from the queue", ipc::QueueVerb::remove);
    add_verb(queue, context, "expire", "Return messages to their senders now",
             ipc::QueueVerb::expire);
}

std::string directory_from_environment() {
    const char* directory = std::getenv("MAIL_CONFIG");
    return directory ? directory : "/etc/facteur";
}

int list_queue(const std::string& directory) {
    Client client = QueueClient::connect(directory);
    return client ? report("mailq", list(**client, false)) : down("mailq", client.error());
}

int flush_queue(const std::string& directory) {
    Client client = QueueClient::connect(directory);
    if (!client) return down("postqueue", client.error());
    auto reply = (*client)->act(ipc::QueueVerb::flush, {});
    return reply ? 0 : fail("postqueue", 1, reply.error().text);
}

int mailq_main(int, char**) {
    return list_queue(directory_from_environment());
}

int postqueue_main(int argc, char** argv) {
    std::string directory = directory_from_environment();
    char wish = 0;
    std::string argument;
    for (int option = 0; (option = ::getopt(argc, argv, "c:fi:jps:v")) != -1;) {  // NOLINT
        if (option == 'c') directory = optarg;
        if (option == 'c' || option == 'v') continue;
        if (option == '?' || wish != 0) return EX_USAGE;
        wish = static_cast<char>(option);
        if (optarg) argument = optarg;
    }
    if (wish == 0) {
        return fail("postqueue", EX_USAGE, "usage: postqueue -f | -i id | -j | -p | -s site");
    }
    if (wish == 'f') return flush_queue(directory);
    Client client = QueueClient::connect(directory);
    if (!client) return down("postqueue", client.error());
    if (wish == 's') return report("postqueue", flush_site(**client, argument));
    if (wish == 'i') return act(**client, "postqueue", ipc::QueueVerb::flush, {argument});
    return report("postqueue", list(**client, wish == 'j'));
}

int postsuper_main(int argc, char** argv) {
    std::string directory = directory_from_environment();
    std::vector<std::pair<ipc::QueueVerb, std::string>> wishes;
    for (int option = 0; (option = ::getopt(argc, argv, "c:d:e:f:h:H:pr:sSv")) != -1;) {  // NOLINT
        switch (option) {
            case 'c':
                directory = optarg;
                break;
            case 'd':
                wishes.emplace_back(ipc::QueueVerb::remove, optarg);
                break;
            case 'e':
            case 'f':
                wishes.emplace_back(ipc::QueueVerb::expire, optarg);
                break;
            case 'h':
                wishes.emplace_back(ipc::QueueVerb::hold, optarg);
                break;
            case 'H':
                wishes.emplace_back(ipc::QueueVerb::release, optarg);
                break;
            case 'r':
                wishes.emplace_back(ipc::QueueVerb::requeue, optarg);
                break;
            case '?':
                return EX_USAGE;
            default:  // -s and -p: qmgr keeps the structure of the queue in order itself
                break;
        }
    }
    if (wishes.empty()) return 0;
    std::string_view queue = optind < argc ? argv[optind] : "";
    Client client = QueueClient::connect(directory);
    if (!client) return down("postsuper", client.error());
    int status = 0;
    for (const auto& [verb, word] : wishes) {
        int one = act(**client, "postsuper", verb, {word}, queue);
        if (one != 0) status = one;
    }
    return status;
}

int postcat_main(int argc, char** argv) {
    std::string directory = directory_from_environment();
    bool envelope = false;
    bool header = false;
    bool body = false;
    for (int option = 0; (option = ::getopt(argc, argv, "bc:dehnoqrs:v")) != -1;) {  // NOLINT
        if (option == 'c') directory = optarg;
        if (option == 'e') envelope = true;
        if (option == 'h') header = true;
        if (option == 'b') body = true;
        if (option == '?') return EX_USAGE;
    }
    if (optind == argc) return fail("postcat", EX_USAGE, "usage: postcat [-vbeh] -q id ...");
    Client client = QueueClient::connect(directory);
    if (!client) return down("postcat", client.error());
    std::vector<std::string> ids;
    for (int i = optind; i < argc; ++i) {
        std::string_view word = argv[i];
        ids.emplace_back(word.substr(word.rfind('/') + 1));  // a file of the queue names itself
    }
    return show(**client, "postcat", ids, parts_of(envelope, header, body));
}

}  // namespace facteur::tool
