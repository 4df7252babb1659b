#include "lib/milter/spec.h"

#include "lib/base/text.h"

namespace facteur::milter {
namespace {

Result<DefaultAction> parse_action(std::string_view text) {
    struct Known {
        std::string_view name;
        DefaultAction action;
    };
    static constexpr Known kKnown[] = {{"accept", DefaultAction::accept},
                                       {"reject", DefaultAction::reject},
                                       {"tempfail", DefaultAction::tempfail},
                                       {"quarantine", DefaultAction::quarantine},
                                       {"shutdown", DefaultAction::shutdown}};
    for (const Known& known : kKnown) {
        if (known.name == text) return known.action;
    }
    return permanent("unknown milter_default_action \"" + std::string(text) +
                     "\"; known are accept, reject, tempfail, quarantine, shutdown");
}

Result<std::uint32_t> parse_version(std::string_view text) {
    const auto version = parse_number(text);
    if (!version || (*version != 2 && *version != 3 && *version != 4 && *version != 6))
        return permanent("unknown milter_protocol \"" + std::string(text) +
                         "\"; known are 2 3 4 6");
    return static_cast<std::uint32_t>(*version);
}

/// "10s", "5m", "30".
Result<std::chrono::seconds> parse_time(std::string_view text) {
    std::uint64_t unit = 1;
    if (!text.empty() && is_alpha(text.back())) {
        const std::size_t place = std::string_view("smhdw").find(lower(text.back()));
        constexpr std::uint64_t kUnits[] = {1, 60, 3600, 86400, 604800};
        if (place == std::string_view::npos) return permanent("no time: " + std::string(text));
        unit = kUnits[place];
        text.remove_suffix(1);
    }
    const auto number = parse_number(text);
    if (!number || *number == 0 || *number > 1000000)
        return permanent("no time: " + std::string(text));
    return std::chrono::seconds(*number * unit);
}

Result<void> set(Spec& spec, std::string_view name, std::string_view value) {
    if (name == "connect_timeout") {
        TRY(spec.connect_timeout, parse_time(value));
    } else if (name == "command_timeout") {
        TRY(spec.command_timeout, parse_time(value));
    } else if (name == "content_timeout") {
        TRY(spec.content_timeout, parse_time(value));
    } else if (name == "default_action") {
        TRY(spec.otherwise, parse_action(value));
    } else if (name == "protocol") {
        TRY(spec.version, parse_version(value));
    } else {
        return permanent("unknown milter setting \"" + std::string(name) +
                         "\"; known are connect_timeout, command_timeout, content_timeout, "
                         "default_action, protocol");
    }
    return {};
}

/// Sendmail writes "inet:port@host", "local:path" and has inet6:.
Result<std::string> parse_place(std::string_view text) {
    const std::size_t colon = text.find(':');
    const std::string_view type = text.substr(0, colon);
    if (colon == std::string_view::npos || colon + 1 == text.size())
        return permanent("no milter: \"" + std::string(text) +
                         "\"; write inet:host:port or unix:path");
    std::string_view rest = text.substr(colon + 1);
    if (type == "unix" || type == "local") return "unix:" + std::string(rest);
    if (type != "inet" && type != "inet6")
        return permanent("no milter: \"" + std::string(text) +
                         "\"; write inet:host:port or unix:path");
    const std::size_t at = rest.find('@');
    if (at == std::string_view::npos) return "inet:" + std::string(rest);
    return "inet:" + std::string(rest.substr(at + 1)) + ":" + std::string(rest.substr(0, at));
}

}  // namespace

Result<std::vector<Spec>> parse_specs(const std::vector<std::string>& list,
                                      const Settings& settings) {
    std::vector<Spec> specs;
    Spec usual;
    usual.connect_timeout = settings.connect_timeout();
    usual.command_timeout = settings.command_timeout();
    usual.content_timeout = settings.content_timeout();
    TRY(usual.otherwise, parse_action(settings.default_action()));
    TRY(usual.version, parse_version(settings.protocol()));
    for (std::string_view word : list) {
        Spec spec = usual;
        if (word.starts_with('{') && word.ends_with('}')) word = word.substr(1, word.size() - 2);
        bool first = true;
        for (const std::string& part : conf::parse_list(word)) {
            std::string_view setting = part;
            if (setting.starts_with('{') && setting.ends_with('}'))
                setting = trim(setting.substr(1, setting.size() - 2));
            const std::size_t equals = setting.find('=');
            if (first) {
                TRY(spec.place, parse_place(setting));
            } else if (equals == std::string_view::npos) {
                return permanent("milter " + spec.place + ": no name=value: " + part);
            } else {
                TRY_VOID(
                    set(spec, trim(setting.substr(0, equals)), trim(setting.substr(equals + 1))));
            }
            first = false;
        }
        if (!first) specs.push_back(std::move(spec));
    }
    return specs;
}

std::vector<std::pair<std::string, std::string>> parse_macro_defaults(
    const std::vector<std::string>& list) {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (std::string_view word : list) {
        // { {name} = value } is one word of main.cf, and so is {name}=value.
        const std::size_t equals = word.find('=');
        if (equals == std::string_view::npos) continue;
        const bool braced = word.starts_with('{') && word.ends_with('}') && word.find('}') > equals;
        std::string_view name = word.substr(0, equals);
        std::string_view value = word.substr(equals + 1);
        if (braced) name.remove_prefix(1), value.remove_suffix(1);
        name = trim(name);
        if (name.size() > 1 && !name.starts_with('{'))
            pairs.emplace_back("{" + std::string(name) + "}", trim(value));
        else
            pairs.emplace_back(name, trim(value));
    }
    return pairs;
}

}  // namespace facteur::milter
