// The names that hands know for `facteur queue`: mailq, postqueue, postsuper, postcat.

#include <cstdlib>

#include <sysexits.h>
#include <unistd.h>

#include "tools/facteur/commands.h"
#include "tools/facteur/instance.h"
#include "tools/facteur/names.h"
#include "tools/facteur/queue_actions.h"

namespace facteur::tool {
namespace {

using Client = Result<std::unique_ptr<QueueClient>>;

}  // namespace

std::string directory_from_environment() {
    const char* directory = std::getenv("MAIL_CONFIG");
    return directory ? directory : "/etc/facteur";
}

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
        Selection selection;
        selection.words = {word};
        selection.queue = queue;
        selection.confirmed = true;  // as everybody's scripts expect of it
        int one = act(**client, "postsuper", verb, std::move(selection));
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
