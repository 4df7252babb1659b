#include "tools/facteur/templates.h"

#include <utility>

#include "lib/base/text.h"
#include "tools/facteur/embed.h"

EMBED(facteur_main_cf, "conf/main.cf")
EMBED(facteur_master_cf, "conf/master.cf")
EMBED(facteur_aliases, "conf/aliases")

namespace facteur::tool {
namespace {

constexpr std::pair<std::string_view, unsigned> kPorts[] = {
    {"smtp", 25},  {"submission", 587}, {"submissions", 465}, {"127.0.0.1:24", 24},
    {"imap", 143}, {"imaps", 993},      {"pop3", 110},        {"pop3s", 995},
};

bool sets(std::string_view line, std::string_view name) {
    if (!line.starts_with(name)) return false;
    return trim(line.substr(name.size())).starts_with('=');
}

}  // namespace

std::string_view main_cf_template() {
    return std::string_view(facteur_main_cf_start, facteur_main_cf_end);
}
std::string_view master_cf_template() {
    return std::string_view(facteur_master_cf_start, facteur_master_cf_end);
}
std::string_view aliases_template() {
    return std::string_view(facteur_aliases_start, facteur_aliases_end);
}

unsigned own_port(std::string_view service) {
    for (const auto& [name, port] : kPorts)
        if (name == service) return port;
    return 0;
}

std::string with_parameter(std::string_view main_cf, std::string_view name,
                           std::string_view value) {
    std::string setting = std::string(name) + " = " + std::string(value) + "\n";
    std::string out;
    bool found = false;
    for (std::string_view line : split(main_cf, '\n')) {
        if (sets(line, name)) {
            out += found ? "" : setting;
            found = true;
        } else {
            out.append(line).append("\n");
        }
    }
    while (out.ends_with("\n\n"))
        out.pop_back();
    return found ? out : out + setting;
}

std::string on_loopback(std::string_view master_cf, unsigned port_base) {
    std::string out;
    for (std::string_view line : split(master_cf, '\n')) {
        std::string_view rest = line;
        std::string_view name = take_word(rest);
        unsigned port = own_port(name);
        if (port != 0 && trim(rest).starts_with("inet"))
            out += "127.0.0.1:" + std::to_string(port_base + port) + " " + std::string(trim(rest)) +
                   "\n";
        else
            out.append(line).append("\n");
    }
    while (out.ends_with("\n\n"))
        out.pop_back();
    return out;
}

}  // namespace facteur::tool
