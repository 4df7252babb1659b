/*++
NAME
    facteur-address - what happens to mail for an address

SYNOPSIS
    facteur [-c directory] address [--sender ADDRESS] [--json] ADDRESS ...

DESCRIPTION
    Asks the running addressd for each address: to which class it belongs (local, virtual-alias,
    virtual-mailbox, relay, other), whether it exists, to which addresses it expands, and by which
    transport and to which next hop each of them goes.

    --sender ADDRESS
        Route as mail from this sender; the default is the null sender.
    --json
        The same for programs.

DIAGNOSTICS
    The exit status is 1 when an address does not exist or cannot be looked up.

SEE ALSO
    addressd(8), facteur(1)
--*/
#include "lib/ipc/ways/address.h"

#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/ipc/client.h"
#include "tools/facteur/command_line.h"
#include "tools/facteur/commands.h"
#include "tools/facteur/instance.h"

namespace facteur::tool {
namespace {

constexpr Milliseconds kPatience = std::chrono::seconds(10);

const char* class_name(ipc::AddressClass address_class) {
    switch (address_class) {
        case ipc::AddressClass::local:
            return "local";
        case ipc::AddressClass::virtual_alias:
            return "virtual-alias";
        case ipc::AddressClass::virtual_mailbox:
            return "virtual-mailbox";
        case ipc::AddressClass::relay:
            return "relay";
        default:
            return "other";
    }
}

struct Story {
    std::string address;
    ipc::Classification classification;
    ipc::Resolved resolved;
    std::string failure;

    bool is_good() const {
        return failure.empty() && classification.exists && resolved.status.empty();
    }
};

Task<void> ask(Scope& scope, const std::string& sender, std::vector<Story>& stories, bool& done) {
    ipc::Client addressd(scope, "private/address", kPatience);
    for (Story& story : stories) {
        ipc::Classify classify;
        classify.address = story.address;
        auto classified = co_await addressd.call(std::move(classify));
        ipc::Resolve resolve;
        resolve.sender = sender;
        resolve.recipients.push_back(story.address);
        auto resolved = co_await addressd.call(std::move(resolve));
        if (!classified) {
            story.failure = classified.error().text;
        } else if (!resolved) {
            story.failure = resolved.error().text;
        } else {
            story.classification = std::move(classified->message);
            story.resolved = std::move(resolved->message.recipients.front());
        }
    }
    done = true;
}

void print(const Story& story) {
    if (!story.failure.empty()) {
        std::printf("%s: %s\n", story.address.c_str(), story.failure.c_str());
        return;
    }
    const ipc::Classification& known = story.classification;
    std::printf("%s: %s%s\n", known.address.c_str(), class_name(known.address_class),
                known.exists ? "" : ", does not exist");
    if (!story.resolved.status.empty()) {
        std::printf("    %s %s\n", story.resolved.status.c_str(), story.resolved.text.c_str());
    }
    for (const ipc::Destination& place : story.resolved.destinations)
        std::printf("    %s  %s:%s\n", place.recipient.c_str(), place.transport.c_str(),
                    place.nexthop.c_str());
}

nlohmann::json as_json(const Story& story) {
    nlohmann::json entry;
    entry["address"] = story.address;
    if (!story.failure.empty()) {
        entry["failure"] = story.failure;
        return entry;
    }
    entry["rewritten"] = story.classification.address;
    entry["class"] = class_name(story.classification.address_class);
    entry["exists"] = story.classification.exists;
    if (!story.resolved.status.empty()) {
        entry["status"] = story.resolved.status;
        entry["text"] = story.resolved.text;
    }
    entry["destinations"] = nlohmann::json::array();
    for (const ipc::Destination& place : story.resolved.destinations) {
        nlohmann::json destination;
        destination["recipient"] = place.recipient;
        destination["transport"] = place.transport;
        destination["nexthop"] = place.nexthop;
        entry["destinations"].push_back(std::move(destination));
    }
    return entry;
}

int run(const std::string& directory, const std::string& sender, bool json,
        const std::vector<std::string>& addresses) {
    auto instance = Instance::open(directory);
    if (!instance) return complain(instance.error().text);
    const std::string queue = instance->settings->queue_directory();
    if (chdir(queue.c_str()) != 0) return complain(system_error("chdir " + queue).error().text);

    Loop loop;
    Scope scope;
    std::vector<Story> stories(addresses.size());
    for (std::size_t i = 0; i < addresses.size(); ++i)
        stories[i].address = addresses[i];
    bool done = false;
    scope.spawn(ask(scope, sender, stories, done));
    loop.run_until([&] { return done; });

    int status = 0;
    nlohmann::json list = nlohmann::json::array();
    for (const Story& story : stories) {
        if (!story.is_good()) status = 1;
        if (json) list.push_back(as_json(story));
        if (!json) print(story);
    }
    if (json) {
        const auto replace = nlohmann::json::error_handler_t::replace;
        std::printf("%s\n", list.dump(2, ' ', false, replace).c_str());
    }
    return status;
}

}  // namespace

void add_address(Command& app, Context& context) {
    struct Wishes {
        std::string sender;
        std::vector<std::string> addresses;
        bool json = false;
    };
    auto wishes = std::make_shared<Wishes>();  // shared by the option parser and the callback
    Command& command = app.add_subcommand("address", "What happens to mail for an address");
    command.add_option("--sender", wishes->sender, "Mail from this sender");
    command.add_flag("--json", wishes->json, "For programs");
    command.add_option("address", wishes->addresses, "Addresses").required();
    command.callback([&context, wishes] {
        context.status = run(context.directory, wishes->sender, wishes->json, wishes->addresses);
    });
}

}  // namespace facteur::tool
