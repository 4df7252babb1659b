#include "qmgr/settings.h"

#include <array>

#include <sys/stat.h>

#include "lib/base/log.h"
#include "lib/config/expand.h"
#include "lib/config/load.h"
#include "lib/spool/files.h"

namespace facteur::qmgr {
namespace {

constexpr off_t kMostTemplates = 1 << 20;

Result<std::string> read_file(const std::string& path) {
    TRY(Fd fd, spool::open_to_read(path));
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0) return system_error("stat " + path);
    if (st.st_size > kMostTemplates) return permanent(path + ": too large");
    return spool::read_exactly(fd.get(), 0, static_cast<std::size_t>(st.st_size));
}

struct Unit {
    std::string_view ending;
    std::int64_t seconds;
};
constexpr std::array<Unit, 5> kUnits = {
    {{"_seconds", 1}, {"_minutes", 60}, {"_hours", 3600}, {"_days", 86400}, {"_weeks", 604800}}};

/// bounce(5): `$delay_warning_time_hours` and its relatives are times in that unit.
std::optional<std::string> time_in_unit(std::string_view name, const conf::Values& values) {
    for (const Unit& unit : kUnits) {
        if (!name.ends_with(unit.ending)) continue;
        std::string_view parameter = name.substr(0, name.size() - unit.ending.size());
        const bool warning = parameter == "delay_warning_time";
        if (!warning && parameter != "maximal_queue_lifetime") continue;
        auto time = conf::parse_time(values.get(parameter), warning ? 'h' : 'd');
        if (!time) return std::nullopt;
        return std::to_string(std::chrono::duration_cast<Seconds>(*time).count() / unit.seconds);
    }
    return values.raw(name);
}

}  // namespace

void NoticeSettings::read_templates(const conf::Values& values) {
    templates_ = Templates();
    if (!template_file().empty()) {
        Templates read;
        auto text = read_file(template_file());
        Result<void> parsed;
        if (text) parsed = parse_templates(*text, read);
        if (!text) log_warning("bounce_template_file: " + text.error().text);
        if (!parsed) log_warning("bounce_template_file: " + parsed.error().text);
        if (text && parsed) templates_ = std::move(read);
    }
    for (Template* one :
         {&templates_.failure, &templates_.delay, &templates_.success, &templates_.verify}) {
        auto expanded = conf::expand(
            one->text, [&](std::string_view name) { return time_in_unit(name, values); });
        if (expanded) one->text = *std::move(expanded);
    }
}

const Template& NoticeSettings::words_for(NoticeKind kind) const {
    switch (kind) {
        case NoticeKind::failure:
            return templates_.failure;
        case NoticeKind::delay:
            return templates_.delay;
        case NoticeKind::report:
            return templates_.verify;
        case NoticeKind::success:
            break;
    }
    return templates_.success;
}

}  // namespace facteur::qmgr
