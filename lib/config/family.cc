#include "lib/config/family.h"

#include <algorithm>

#include "lib/base/text.h"

namespace facteur::conf {
namespace {

/// Where values of main.cf that are not the family's own can still be asked for with $name.
constexpr std::string_view kElsewhere = "main_cf_";

}  // namespace

bool Family::serves(std::string_view service, const std::vector<std::string>& arguments) const {
    return service == word ||
           std::find(arguments.begin(), arguments.end(), word) != arguments.end();
}

std::string Family::declared(std::string_view other) const {
    auto found = renamed.find(other);
    if (found != renamed.end()) return found->second;
    return std::string(ours) + std::string(other.substr(others.size()));
}

/// "$smtp_tls_CAfile" as a value of lmtp_tls_CAfile would ask for itself.
std::string Family::with_main_cf_names(std::string_view value) const {
    std::string text(value);
    for (const std::string_view start : {"$", "${", "$("}) {
        const std::string own = std::string(start) + std::string(ours);
        text = replace_all(text, own,
                           std::string(start) + std::string(kElsewhere) + own.substr(start.size()));
    }
    return text;
}

MainCf Family::translate(const MainCf& main_cf) const {
    MainCf result = main_cf;
    result.remove_if([&](const std::string& name, const Setting& setting) {
        return name.starts_with(ours) && setting.file == main_cf.file();
    });
    for (const auto& [name, setting] : main_cf.settings()) {
        if (name.starts_with(ours) && setting.file == main_cf.file())
            result.set(std::string(kElsewhere) + name, setting);
        if (!name.starts_with(others)) continue;
        const std::string target = declared(name);
        const Setting* direct = result.find(target);
        // -o smtp_X on this very service says it for sure.
        if (direct && direct->file != main_cf.file() && setting.file == main_cf.file()) continue;
        Setting moved = setting;
        moved.value = with_main_cf_names(setting.value);
        result.set(target, std::move(moved));
    }
    return result;
}

std::string Family::parameter_table(std::string_view table) const {
    std::string rows;
    for (std::string_view line : split(table, '\n')) {
        if (!line.starts_with(ours)) continue;
        auto field = split(line, '\t');
        if (field.size() < 6) continue;
        const std::string name(field[0]);
        std::string other = std::string(others) + name.substr(ours.size());
        for (const auto& [from, to] : renamed)
            if (to == name) other = from;
        if (table.find(other + '\t') != std::string_view::npos) continue;
        rows += other;
        for (std::size_t at = 1; at < 5; ++at)
            rows.append("\t").append(field[at]);
        rows += "\tThe same as " + name + ", for LMTP.\t\n";
    }
    return rows;
}

}  // namespace facteur::conf
