/*++
NAME
    facteur-explain - why mail is taken or refused, and where it would go

SYNOPSIS
    facteur [-c directory] explain --from ADDRESS --to ADDRESS [--client IP] [--helo NAME]
        [--sasl USER] [--service NAME] [--probe] [--json]

DESCRIPTION
    Holds the SMTP conversation that such a client would have, with smtpd's own code and the tables
    of the running addressd, up to the answer to RCPT TO; nothing is counted, remembered or queued.
    Prints each restriction that was consulted, where it stands and what it said, what the access
    tables answered, with the file and line of the entry that matched, and which of them decided. If
the recipient is accepted, tells to which addresses it expands and by which transport and to which
next hop each of them goes.

    --client IP
        The client's address; the default is 127.0.0.1.
    --helo NAME
        What it says in EHLO.
    --sasl USER
        It has logged in as this user.
    --service NAME
        The service of master.cf with its -o settings; the default is the first smtpd, or with
        --sasl the service submission.
    --probe
        Where reject_unverified_sender and its like ask, really probe the address: its mail server
        hears of it.  Without, the address is taken for good.
    --json
        The same for programs.

    TLS is taken for granted where the service asks for it.  policyd, which counts and greylists,
    is not asked, but policy servers of check_policy_service are.

DIAGNOSTICS
    The exit status is 0 when the recipient is accepted, 1 when not.

SEE ALSO
    smtpd(8), addressd(8), facteur-address(1), facteur(1)
--*/
#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "lib/base/read_file.h"
#include "lib/base/text.h"
#include "lib/config/master_cf.h"
#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/ipc/client.h"
#include "lib/ipc/ways/address.h"
#include "tools/facteur/command_line.h"
#include "tools/facteur/commands.h"
#include "tools/facteur/instance.h"
#include "tools/facteur/known.h"
#include "tools/facteur/table_place.h"

namespace facteur::tool {
namespace {

struct ExplainWishes {
    std::string from, to, helo, login, service;
    std::string client = "127.0.0.1";
    bool json = false;
    bool probe = false;
};

using Lines = std::vector<std::vector<std::string>>;

/// The words that start smtpd as the service would.
Result<std::vector<std::string>> command_for(const std::string& directory,
                                             const ExplainWishes& wishes) {
    const std::string path = directory + "/master.cf";
    TRY(std::string text, read_file(path));
    const conf::ServiceLine* chosen = nullptr;
    const auto master_cf = conf::parse_master_cf(text, path);
    for (const conf::ServiceLine& line : master_cf.services) {
        if (!line.command.ends_with("smtpd")) continue;
        const bool named = line.name == wishes.service || line.name.ends_with(":" + wishes.service);
        const bool submission = line.name.find("submission") != std::string::npos;
        if (wishes.service.empty() && !wishes.login.empty() && submission) {
            chosen = &line;
            break;
        }
        if (wishes.service.empty() ? !chosen : named) chosen = &line;
    }
    if (!chosen) return permanent(path + ": no such service of smtpd");
    std::vector<std::string> words{find_program("smtpd"), "-n", chosen->name};
    for (const auto& [name, value] : chosen->overrides) {
        words.emplace_back("-o");
        words.push_back(name + "=" + value);
    }
    words.emplace_back("explain");
    words.push_back("client=" + wishes.client);
    words.push_back("helo=" + wishes.helo);
    words.push_back("from=" + wishes.from);
    words.push_back("to=" + wishes.to);
    if (!wishes.login.empty()) words.push_back("login=" + wishes.login);
    if (wishes.probe) words.push_back("probe=yes");
    return words;
}

Lines lines_of(const std::string& said) {
    Lines lines;
    for (const std::string_view line : split(said, '\n')) {
        if (line.empty()) continue;
        auto& fields = lines.emplace_back();
        for (const std::string_view field : split(line, '\t'))
            fields.emplace_back(field);
        fields.resize(8);
    }
    return lines;
}

std::string place_of(const std::vector<std::string>& rule) {
    if (rule[2] == "default") return "default";
    return rule[3] == "0" ? rule[2] : rule[2] + ", line " + rule[3];
}

Task<void> ask(Scope& scope, const ExplainWishes& wishes, ipc::Resolved& resolved, bool& done) {
    ipc::Client addressd(scope, "private/address", std::chrono::seconds(10));
    ipc::Resolve question;
    question.sender = wishes.from;
    question.recipients.push_back(wishes.to);
    auto answer = co_await addressd.call(std::move(question));
    if (answer)
        resolved = std::move(answer->message.recipients.front());
    else
        resolved.text = answer.error().text;
    done = true;
}

ipc::Resolved routes_of(const ExplainWishes& wishes) {
    Loop loop;
    Scope scope;
    ipc::Resolved resolved;
    bool done = false;
    scope.spawn(ask(scope, wishes, resolved, done));
    loop.run_until([&] { return done; });
    return resolved;
}

/// What came of it.
struct Outcome {
    Lines lines;
    std::string verdict;
    const std::vector<std::string>* decided = nullptr;  ///< a rule in lines
    ipc::Resolved resolved;
    bool accepted() const { return verdict.starts_with('2'); }
};

void print_table(const std::vector<std::string>& line) {
    const TablePlace place = place_in_table(line[1], {line[2], line[4]}, line[3]);
    std::string where;
    if (place.line > 0) where = " (" + place.file + ", line " + std::to_string(place.line) + ")";
    std::printf("      %s: \"%s\": %s%s\n", line[1].c_str(), line[2].c_str(), line[3].c_str(),
                where.c_str());
}

nlohmann::json table_as_json(const std::vector<std::string>& line) {
    nlohmann::json table = {{"table", line[1]}, {"key", line[2]}, {"value", line[3]}};
    const TablePlace place = place_in_table(line[1], {line[2], line[4]}, line[3]);
    if (place.line == 0) return table;
    table["file"] = place.file;
    table["line"] = place.line;
    return table;
}

void print_text(const Outcome& outcome) {
    for (const auto& line : outcome.lines) {
        if (line[0] == "command") std::printf("> %s\n", line[1].c_str());
        if (line[0] == "reply") std::printf("< %s\n", line[2].c_str());
        if (line[0] == "table") print_table(line);
        if (line[0] == "rule")
            std::printf("    %s (%s): %s: %s%s%s\n", line[1].c_str(), place_of(line).c_str(),
                        line[4].c_str(), line[5].c_str(), line[6].empty() ? "" : ": ",
                        line[6].c_str());
        if (line[0] == "problem" || line[0] == "failure" || line[0] == "end")
            std::printf("! %s\n", line[1].c_str());
    }
    std::printf("%s: %s\n", outcome.accepted() ? "accepted" : "refused", outcome.verdict.c_str());
    if (outcome.decided)
        std::printf("decided by %s (%s): %s\n", (*outcome.decided)[1].c_str(),
                    place_of(*outcome.decided).c_str(), (*outcome.decided)[4].c_str());
    if (!outcome.resolved.text.empty())
        std::printf("%s %s\n", outcome.resolved.status.c_str(), outcome.resolved.text.c_str());
    for (const ipc::Destination& way : outcome.resolved.destinations)
        std::printf("goes to %s by %s:%s\n", way.recipient.c_str(), way.transport.c_str(),
                    way.nexthop.c_str());
}

nlohmann::json rule_as_json(const std::vector<std::string>& line) {
    nlohmann::json rule;
    rule["parameter"] = line[1];
    rule["file"] = line[2];
    rule["line"] = parse_number(line[3]).value_or(0);
    rule["rule"] = line[4];
    rule["outcome"] = line[5];
    if (!line[6].empty()) rule["reply"] = line[6];
    return rule;
}

void print_json(const Outcome& outcome) {
    nlohmann::json all;
    for (const char* list : {"rules", "tables", "replies", "destinations"})
        all[list] = nlohmann::json::array();
    for (const auto& line : outcome.lines) {
        if (line[0] == "rule") all["rules"].push_back(rule_as_json(line));
        if (line[0] == "table") all["tables"].push_back(table_as_json(line));
        if (line[0] == "reply")
            all["replies"].push_back({{"command", line[1]}, {"reply", line[2]}});
    }
    all["accepted"] = outcome.accepted();
    all["verdict"] = outcome.verdict;
    if (outcome.decided) all["decided"] = rule_as_json(*outcome.decided);
    for (const ipc::Destination& way : outcome.resolved.destinations)
        all["destinations"].push_back(
            {{"recipient", way.recipient}, {"transport", way.transport}, {"nexthop", way.nexthop}});
    std::printf("%s\n", all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

int run(const std::string& directory, const ExplainWishes& wishes) {
    auto instance = Instance::open(directory);
    if (!instance) return complain(instance.error().text);
    auto command = command_for(instance->directory, wishes);
    if (!command) return complain(command.error().text);
    auto said = output_of(*command, {"MAIL_CONFIG=" + instance->directory});
    if (!said) return complain(said.error().text);
    Outcome outcome;
    outcome.lines = lines_of(*said);
    for (const auto& line : outcome.lines) {
        if (line[0] == "verdict") outcome.verdict = line[1];
        if (line[0] == "failure") return complain(line[1]);
        if (line[0] == "rule" && line[5] != "dunno") outcome.decided = &line;
    }
    const std::string queue = instance->settings->queue_directory();
    if (chdir(queue.c_str()) != 0) return complain(system_error("chdir " + queue).error().text);
    if (outcome.accepted()) outcome.resolved = routes_of(wishes);
    if (wishes.json)
        print_json(outcome);
    else
        print_text(outcome);
    return outcome.accepted() ? 0 : 1;
}

}  // namespace

void add_explain(Command& app, Context& context) {
    auto wishes = std::make_shared<ExplainWishes>();  // shared by the option parser and callback
    Command& command = app.add_subcommand("explain", "Why mail is taken or refused, and its way");
    command.add_option("--from", wishes->from, "The sender; empty: the null sender").required();
    command.add_option("--to", wishes->to, "The recipient").required();
    command.add_option("--client", wishes->client, "The client's IP address");
    command.add_option("--helo", wishes->helo, "What it says in EHLO");
    command.add_option("--sasl", wishes->login, "It has logged in as this user");
    command.add_option("--service", wishes->service, "The service of master.cf");
    command.add_flag("--probe", wishes->probe, "Really probe addresses");
    command.add_flag("--json", wishes->json, "For programs");
    command.callback([&context, wishes] { context.status = run(context.directory, *wishes); });
}

}  // namespace facteur::tool
