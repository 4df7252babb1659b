#include <cstdio>
#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lib/base/text.h"
#include "tools/facteur/command_line.h"
#include "tools/facteur/commands.h"
#include "tools/facteur/instance.h"

namespace facteur::tool {
namespace {

std::string age(std::string_view seconds_text) {
    auto seconds = parse_number(seconds_text).value_or(0);
    if (seconds < 120) return fmt::format("{}s", seconds);
    if (seconds < 7200) return fmt::format("{}m", seconds / 60);
    if (seconds < 172800) return fmt::format("{}h", seconds / 3600);
    return fmt::format("{}d", seconds / 86400);
}

struct Row {
    std::string service, type, command, pid, state, seconds, numbers;
};

Row row_of(std::string_view line) {
    auto field = split(line, '\t');
    field.resize(7);
    auto text = [&](std::size_t at) { return std::string(field[at]); };
    return Row{text(0), text(1), text(2), text(3), text(4), text(5), text(6)};
}

void print_table(const std::vector<Row>& rows) {
    fmt::print("{:<18} {:<5} {:<12} {:>7} {:<9} {:>5}  {}\n", "SERVICE", "TYPE", "DAEMON", "PID",
               "STATE", "AGE", "");
    for (const Row& row : rows)
        fmt::print("{:<18} {:<5} {:<12} {:>7} {:<9} {:>5}  {}\n", row.service, row.type,
                   row.command, row.pid, row.state, age(row.seconds), row.numbers);
}

nlohmann::json to_json(const Row& row) {
    nlohmann::json numbers = nlohmann::json::object();
    for (std::string_view word : words(row.numbers)) {
        auto equals = word.find('=');
        if (equals == std::string_view::npos) continue;
        std::string name(word.substr(0, equals));
        auto number = parse_number(word.substr(equals + 1));
        if (number)
            numbers[name] = *number;
        else
            numbers[name] = word.substr(equals + 1);
    }
    return {{"service", row.service},       {"type", row.type},
            {"daemon", row.command},        {"pid", parse_number(row.pid).value_or(0)},
            {"state", row.state},           {"seconds", parse_number(row.seconds).value_or(0)},
            {"numbers", std::move(numbers)}};
}

int print_json(const Row& master, const std::vector<Row>& rows) {
    nlohmann::json all = {{"pid", parse_number(master.type).value_or(0)},
                          {"seconds", parse_number(master.command).value_or(0)},
                          {"directory", master.pid},
                          {"workers", nlohmann::json::array()}};
    for (const Row& row : rows)
        all["workers"].push_back(to_json(row));
    std::cout << all.dump(2) << "\n";
    return 0;
}

/// 0: everything runs; 1: nothing, or a service that does not.
int status(const std::string& directory, bool json) {
    auto instance = Instance::open(directory);
    if (!instance) return complain(instance.error().text);
    auto answer = ask_master(*instance, "status");
    if (!answer) return complain(answer.error().text);
    std::vector<Row> rows;
    bool failing = false;
    for (std::string_view line : split(*answer, '\n')) {
        if (line.empty()) continue;
        rows.push_back(row_of(line));
        failing = failing || rows.back().state == "failing";
    }
    if (rows.empty()) return complain("master said nothing");
    Row master = rows.front();
    rows.erase(rows.begin());
    if (json) return print_json(master, rows);
    fmt::print("The mail system of {} runs since {} (master is process {}).\n\n", master.pid,
               age(master.command), master.type);
    print_table(rows);
    return failing ? 1 : 0;
}

}  // namespace

void add_status(Command& app, Context& context) {
    Command& command = app.add_subcommand("status", "Show what runs and what it does");
    auto json = std::make_shared<bool>(false);  // lives as long as the callback
    command.add_flag("--json", *json, "For programs");
    command.callback([=, &context] { context.status = status(context.directory, *json); });
}

}  // namespace facteur::tool
