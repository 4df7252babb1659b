// The names that hands know for `facteur queue`: mailq, postqueue, postsuper, postcat.

#include <cstdlib>
#include <iostream>

#include <sysexits.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/spool/structure.h"
#include "tools/facteur/commands.h"
#include "tools/facteur/instance.h"
#include "tools/facteur/names.h"
#include "tools/facteur/queue_actions.h"
#include "tools/facteur/queue_disk.h"

namespace facteur::tool {

std::string directory_from_environment() {
    const char* directory = std::getenv("MAIL_CONFIG");
    return directory ? directory : "/etc/facteur";
}

namespace {

using Client = Result<std::unique_ptr<QueueClient>>;

/// What postsuper's options ask for.
struct SuperWishes {
    std::string directory = directory_from_environment();
    std::vector<std::pair<char, std::string>> orders;  ///< option and queue id, "-" or "ALL"
    std::vector<std::string> queues;                   ///< for ALL; empty: all
    bool mend = false;
    bool purge = false;

    void take(char option, const std::string& argument) {
        if (option == 'c') directory = argument;
        if (option == 's' || option == 'S') mend = true;
        if (option == 'p') purge = true;
        const bool order = option != 'c' && option != 'v' && !argument.empty();
        if (order) orders.emplace_back(option, argument);
    }
};

bool is_queue_name(std::string_view name) {
    return name == "active" || name == "deferred" || name == "hold" || name == "incoming" ||
           name == "maildrop";
}

ipc::QueueVerb verb_of(char option) {
    switch (option) {
        case 'd':
            return ipc::QueueVerb::remove;
        case 'h':
            return ipc::QueueVerb::hold;
        case 'H':
            return ipc::QueueVerb::release;
        case 'r':
            return ipc::QueueVerb::requeue;
        default:
            return ipc::QueueVerb::expire;
    }
}

std::vector<std::string> lines_of_input() {
    std::vector<std::string> words;
    for (std::string line; std::getline(std::cin, line);) {
        if (!trim(line).empty()) words.emplace_back(trim(line));
    }
    return words;
}

/// -f also returns what is on hold: that alone, when only the queue hold was named.
void release_first(QueueClient& client, Selection& selection) {
    const bool all = selection.words == std::vector<std::string>{"ALL"};
    if (!all) {
        (void)client.act(ipc::QueueVerb::release, selection.words);
        return;
    }
    if (!selection.queue.empty() && selection.queue != "hold") return;
    auto ids = client.ids();
    if (!ids) return;
    std::vector<std::string> held = split_ids(ids->hold);
    if (!held.empty()) (void)client.act(ipc::QueueVerb::release, held);
    if (selection.queue == "hold") selection.words = std::move(held);
}

/// One option with its argument, for each queue that was named.
int carry_out(QueueClient& client, const SuperWishes& wishes, char option,
              const std::string& word) {
    Selection selection;
    selection.words = {word};
    if (word == "-") selection.words = lines_of_input();
    if (selection.words.empty()) return 0;
    selection.confirmed = true;  // as everybody's scripts expect of it
    std::vector<std::string> queues{""};
    if (word == "ALL" && !wishes.queues.empty()) queues = wishes.queues;
    int status = 0;
    const Selection wanted = selection;
    for (const std::string& queue : queues) {
        selection = wanted;
        selection.queue = queue;
        if (option == 'f') release_first(client, selection);
        if (selection.words.empty()) continue;
        const int one = act(client, "postsuper", verb_of(option), selection);
        if (one != 0) status = one;
    }
    return status;
}

std::string files_text(std::size_t number) {
    return std::to_string(number) + (number == 1 ? " file" : " files");
}

/// -s and -p: on the disk itself, whether the mail system runs or not.
int mend_queue(const SuperWishes& wishes, bool both) {
    auto instance = Instance::open(wishes.directory);
    if (!instance) return fail("postsuper", EX_CONFIG, instance.error().text);
    const std::string folder = instance->settings->queue_directory();
    if (::chdir(folder.c_str()) != 0 || !may_read_disk()) {
        return fail("postsuper", EX_NOPERM,
                    "only root and the owner of the queue can mend " + folder);
    }
    spool::Files files;
    spool::Structure found;
    Result<void> done;
    if (both || wishes.purge) done = purge_unfinished(files, found);
    auto complain = [](const std::string& text) { (void)fail("postsuper", 0, text); };
    if (done && (both || wishes.mend)) done = mend_structure(files, found, complain);
    if (found.purged > 0) complain("Purged: " + files_text(found.purged));
    if (!found.moved.empty()) complain("Moved to its place: " + files_text(found.moved.size()));
    if (!done) return fail("postsuper", 1, done.error().text);
    if (found.moved.empty()) return 0;
    // Who runs has not seen them.
    Client client = QueueClient::connect(wishes.directory);
    if (client) (void)(*client)->act(ipc::QueueVerb::flush, found.moved);
    return 0;
}

}  // namespace

int list_queue(const std::string& directory) {
    return list_messages("mailq", directory, QueueFilter(), false);
}

int flush_queue(const std::string& directory) {
    Client client = QueueClient::connect(directory);
    return client ? flush_everything(**client, "postqueue") : down("postqueue", client.error());
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
    if (wish == 'p' || wish == 'j') {
        return list_messages("postqueue", directory, QueueFilter(), wish == 'j');
    }
    Client client = QueueClient::connect(directory);
    if (!client) return down("postqueue", client.error());
    if (wish == 's') return flush_site(**client, "postqueue", argument);
    Selection one;
    one.words = {argument};
    return act(**client, "postqueue", ipc::QueueVerb::flush, std::move(one));
}

int postsuper_main(int argc, char** argv) {
    SuperWishes wishes;
    for (int option = 0; (option = ::getopt(argc, argv, "c:d:e:f:h:H:pr:sSv")) != -1;) {  // NOLINT
        if (option == '?') return EX_USAGE;
        wishes.take(static_cast<char>(option), optarg ? optarg : "");
    }
    for (int i = optind; i < argc; ++i) {
        if (!is_queue_name(argv[i])) {
            return fail("postsuper", EX_USAGE,
                        "no such queue: " + printable(argv[i]) +
                            "; there are active, deferred, hold, incoming and maildrop");
        }
        wishes.queues.emplace_back(argv[i]);
    }
    const bool nothing = wishes.orders.empty() && !wishes.mend && !wishes.purge;
    if (nothing || wishes.mend || wishes.purge) {
        const int status = mend_queue(wishes, nothing);
        if (status != 0) return status;
    }
    if (wishes.orders.empty()) return 0;
    Client client = QueueClient::connect(wishes.directory);
    if (!client) return down("postsuper", client.error());
    int status = 0;
    for (const auto& [option, word] : wishes.orders) {
        const int one = carry_out(**client, wishes, option, word);
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
    CatParts parts;
    if (envelope || header || body) parts = {envelope, header, body, false};
    return show_messages(**client, "postcat", ids, parts);
}

}  // namespace facteur::tool
