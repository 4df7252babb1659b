#include "lib/config/master_cf.h"

#include <array>
#include <optional>

#include "lib/base/result.h"
#include "lib/base/text.h"

namespace facteur::conf {
namespace {

constexpr std::size_t kColumns = 8;

/// The next word, or the inside of a `{ … }` group, which may hold spaces and groups.
Result<std::string> take_argument(std::string_view& text) {
    if (!text.starts_with('{')) return std::string(take_word(text));
    int depth = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '{') ++depth;
        if (text[at] == '}' && --depth == 0) {
            std::string inside(trim(text.substr(1, at - 1)));
            text = trim(text.substr(at + 1));
            return inside;
        }
    }
    return permanent("\"{\" without \"}\"");
}

Result<bool> yes_no(std::string_view text, const char* column, bool value) {
    if (text == "-") return value;
    if (text == "y" || text == "n") return text == "y";
    return permanent("column \"" + std::string(column) + "\" is \"" + std::string(text) +
                     "\": write y, n or -");
}

Result<int> number(std::string_view text, const char* column, int value) {
    if (text == "-") return value;
    auto parsed = parse_number(text);
    if (parsed && *parsed <= 1000000) return static_cast<int>(*parsed);
    return permanent("column \"" + std::string(column) + "\" is \"" + std::string(text) +
                     "\": write a number or -");
}

Result<ServiceLine::Type> service_type(std::string_view text) {
    if (text == "inet") return ServiceLine::Type::inet;
    // Postfix's fifo and unix-dgram services only differ in how they are woken.
    if (text == "unix" || text == "fifo" || text == "unix-dgram") return ServiceLine::Type::unix;
    if (text == "pass") return ServiceLine::Type::pass;
    return permanent("service type \"" + std::string(text) + "\": write inet or unix");
}

Result<void> check_name(const ServiceLine& service) {
    if (service.type == ServiceLine::Type::inet) return {};
    if (service.name.find('/') != std::string::npos || service.name.starts_with('.'))
        return permanent("service name \"" + service.name +
                         "\": write the name of a socket, without a folder");
    return {};
}

Result<void> take_override(ServiceLine& service, std::string_view text) {
    auto equals = text.find('=');
    if (equals == std::string_view::npos || trim(text.substr(0, equals)).empty())
        return permanent("-o \"" + std::string(text) +
                         "\": write -o name=value, or -o { name = value } when there are spaces");
    service.overrides.emplace_back(trim(text.substr(0, equals)), trim(text.substr(equals + 1)));
    return {};
}

/// Everything behind the command's name.  Options end where argv= stands: a `-oi` behind it
/// is for pipe's command.
Result<void> take_arguments(ServiceLine& service, std::string_view text) {
    bool options = true;
    while (!text.empty()) {
        bool grouped = text.starts_with('{');
        TRY(auto argument, take_argument(text));
        options = options && !argument.starts_with("argv=");
        if (!options || grouped || !argument.starts_with("-o")) {
            service.arguments.push_back(std::move(argument));
            continue;
        }
        if (argument.size() == 2) {
            if (text.empty()) return permanent("-o at the end of the line: write -o name=value");
            TRY(argument, take_argument(text));
            TRY_VOID(take_override(service, argument));
        } else {
            TRY_VOID(take_override(service, argument.substr(2)));
        }
    }
    return {};
}

Result<ServiceLine> parse_line(std::string_view text) {
    std::array<std::string_view, kColumns> column;
    for (auto& word : column) {
        text = trim(text);
        word = take_word(text);
        if (word.empty())
            return permanent(
                "too few columns: write service type private unpriv chroot wakeup maxproc command");
    }
    ServiceLine service;
    service.name = column[0];
    TRY(service.type, service_type(column[1]));
    TRY(service.is_private, yes_no(column[2], "private", true));
    TRY(service.unprivileged, yes_no(column[3], "unpriv", true));
    TRY(service.chroot, yes_no(column[4], "chroot", false));
    // "60?" wakes only what has been used; here a service that was never used sleeps cheaply.
    std::string_view wakeup = column[5];
    if (wakeup.ends_with('?')) wakeup.remove_suffix(1);
    TRY(service.wakeup, number(wakeup, "wakeup", 0));
    TRY(service.max_processes, number(column[6], "maxproc", ServiceLine::kDefaultLimit));
    service.command = column[7];
    TRY_VOID(check_name(service));
    TRY_VOID(take_arguments(service, trim(text)));
    return service;
}

}  // namespace

const ServiceLine* MasterCf::find(std::string_view name, ServiceLine::Type type) const {
    for (const ServiceLine& service : services)
        if (service.type == type && service.name == name) return &service;
    return nullptr;
}

MasterCf parse_master_cf(std::string_view text, const std::string& file) {
    MasterCf master;
    for (const LogicalLine& line : logical_lines(text)) {
        auto service = parse_line(line.text);
        std::string wrong;
        if (!service)
            wrong = service.error().text;
        else if (const ServiceLine* first = master.find(service->name, service->type))
            wrong = "service \"" + service->name + "\" is in line " + std::to_string(first->line) +
                    " already: remove one of them";
        if (!wrong.empty()) {
            master.problems.push_back(
                Problem{Problem::Level::error, file, line.line, std::move(wrong)});
            continue;
        }
        service->line = line.line;
        master.services.push_back(std::move(*service));
    }
    return master;
}

}  // namespace facteur::conf
