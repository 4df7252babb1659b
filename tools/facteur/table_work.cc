#include "tools/facteur/table_work.h"

#include <cstdio>
#include <iostream>
#include <map>

#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/encoding.h"
#include "lib/base/log.h"
#include "lib/base/read_file.h"
#include "lib/base/text.h"
#include "lib/config/load.h"
#include "lib/config/param.h"
#include "lib/smtp/domain.h"
#include "lib/table/rules.h"
#include "lib/table/stamp.h"

namespace facteur::tool {
namespace {

using table::Format;

Result<Format> format_of(const NamedTable& table) {
    if (const auto format = table::format_named(table.type)) return *format;
    return permanent(table.whole() +
                     ": only hash:, btree:, lmdb: and cdb: have a database; others need nothing "
                     "made");
}

std::string standard_input() {
    return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

std::vector<std::string> input_lines() {
    std::vector<std::string> lines;
    for (std::string line; std::getline(std::cin, line);)
        lines.push_back(line);
    return lines;
}

}  // namespace

TableWork::TableWork(const std::string& directory, TableWishes wishes)
    : wishes_(std::move(wishes)) {
    wishes_.settle();
    if (auto instance = Instance::open(directory)) instance_.emplace(*std::move(instance));
    tables_ = std::make_unique<table::Tables>(surroundings());
}

table::Surroundings TableWork::surroundings() {
    table::Surroundings around;
    around.fold = !wishes_.as_is;
    if (!instance_) return around;
    around.daemon_directory = instance_->settings->daemon_directory();
    around.main_cf = [this](const std::string& name) -> std::optional<std::string> {
        if (!instance_->main_cf.find(name)) return std::nullopt;
        const conf::Values values(instance_->main_cf, instance_->settings->params);
        return values.get(name);
    };
    // addressd declares it; the tool only wants its value.
    const std::string timeout = around.main_cf("table_client_timeout").value_or("");
    const auto seconds = parse_number(std::string_view(timeout).substr(0, timeout.find('s')));
    if (seconds && *seconds > 0) around.timeout = std::chrono::seconds(*seconds);
    return around;
}

NamedTable TableWork::named(const std::string& file) const {
    const auto colon = file.find(':');
    if (colon != std::string::npos)
        return NamedTable{file.substr(0, colon), file.substr(colon + 1)};
    return NamedTable{instance_ ? instance_->settings->default_database_type() : "hash", file};
}

table::Source TableWork::parse(std::string_view text, const std::string& file) const {
    table::Source source =
        wishes_.make.aliases ? table::parse_aliases(text, file) : table::parse_map(text, file);
    for (const auto& problem : source.problems)
        log_warning(problem.where_and_what());
    if (wants_utf8()) drop_what_is_not_utf8(source, file);
    return source;
}

// postmap(1) -u: "UTF-8 support is enabled by default when smtputf8_enable = yes"; -U: "force UTF-8
// syntax checks with the -b and -h options".
bool TableWork::wants_utf8() const {
    if (!instance_ || !instance_->settings->smtputf8_enable() || wishes_.no_utf8) return false;
    const bool of_message = wishes_.message.headers || wishes_.message.body;
    return !of_message || wishes_.utf8_in_message;
}

void TableWork::drop_what_is_not_utf8(table::Source& source, const std::string& file) const {
    std::erase_if(source.entries, [&](const table::Entry& entry) {
        const bool good = smtp::is_utf8(entry.key) && smtp::is_utf8(entry.value);
        if (!good)
            log_warning(file + ", line " + std::to_string(entry.line) +
                        ": non-UTF-8 key or value: '" + printable(entry.key, 200) +
                        "': skipping this entry");
        return !good;
    });
}

// postmap(1) -F: "concatenate the file content, with a newline inserted between files".
Result<void> TableWork::read_values(table::Source& source) const {
    if (!wishes_.files_in_values) return {};
    for (table::Entry& entry : source.entries) {
        std::string content;
        for (const std::string& file : conf::parse_list(entry.value)) {
            TRY(std::string text, read_file(file));
            if (!content.empty()) content += "\n";
            content += text;
        }
        entry.value = base64_encode(content);
    }
    return {};
}

Result<std::string> TableWork::shown(const std::string& value) const {
    if (!wishes_.files_in_values) return value;
    auto decoded = base64_decode(value);
    if (!decoded) return permanent("a value is not base64");
    return *std::move(decoded);
}

void TableWork::print_pair(const std::string& key, const std::string& value) const {
    std::printf("%s%s\t%s\n", key.c_str(), wishes_.make.aliases ? ":" : "", value.c_str());
}

Result<bool> TableWork::query(const std::vector<NamedTable>& tables, const std::string& key,
                              bool with_key) {
    // Postfix's dict_utf8: a key that is none is in no table, a value that is none is a mistake.
    const bool utf8 = wants_utf8();
    if (utf8 && !smtp::is_utf8(key)) {
        log_warning("non-UTF-8 key '" + printable(key, 200) + "': skipping this request");
        return false;
    }
    for (const NamedTable& table : tables) {
        TRY(auto value, tables_->get(table.whole()).find(key));
        if (!value) continue;
        if (utf8 && !smtp::is_utf8(*value))
            return permanent(table.whole() + ": key \"" + printable(key, 200) +
                             "\": non-UTF-8 value");
        TRY(std::string text, shown(*value));
        if (with_key)
            print_pair(key, text);
        else
            std::printf("%s\n", text.c_str());
        return true;
    }
    return false;
}

Result<int> TableWork::query_all(const std::vector<NamedTable>& tables) {
    std::vector<std::string> keys = wishes_.keys;
    const bool from_input = wishes_.query == "-";
    if (from_input && (wishes_.message.headers || wishes_.message.body)) {
        keys = message_keys(standard_input(), wishes_.message);
    } else if (from_input) {
        keys = input_lines();
    } else if (!wishes_.query.empty()) {
        keys.push_back(wishes_.query);
    }
    int status = 1;
    for (const std::string& key : keys) {
        TRY(bool found, query(tables, key, from_input || keys.size() > 1));
        if (found) status = 0;
    }
    return status;
}

Result<int> TableWork::list(const NamedTable& table) {
    TRY(Format format, format_of(table));
    TRY(auto entries, table::list_database(format, table.name));
    for (const auto& entry : entries) {
        TRY(std::string value, shown(entry.value));
        print_pair(entry.key, value);
    }
    return 0;
}

// postmap(1) -o: otherwise root does not write into somebody else's folder as root.
void TableWork::become_owner(const std::string& file) const {
    struct stat st {};
    if (wishes_.stay_root || geteuid() != 0 || stat(file.c_str(), &st) != 0 || st.st_uid == 0)
        return;
    if (setegid(st.st_gid) != 0 || seteuid(st.st_uid) != 0)
        log_fatal("cannot become the owner of " + file);
}

Result<int> TableWork::build(const NamedTable& table) {
    TRY(Format format, format_of(table));
    std::string text;
    if (wishes_.add) {
        text = standard_input();
    } else {
        TRY(text, read_file(table.name));
    }
    become_owner(table.name);
    table::Source source = parse(text, wishes_.add ? "stdin" : table.name);
    TRY_VOID(read_values(source));
    TRY(auto made, table::make_database(format, table.name, source.entries, wishes_.make));
    for (const std::string& key : made.duplicates) {
        if (!wishes_.quiet && !wishes_.make.replace)
            log_warning(table::database_path(format, table.name) + ": duplicate entry: \"" + key +
                        "\"");
    }
    return 0;
}

Result<int> TableWork::remove(const NamedTable& table) {
    TRY(Format format, format_of(table));
    std::vector<std::string> keys;
    if (wishes_.remove == "-")
        keys = input_lines();
    else
        keys.push_back(wishes_.remove);
    become_owner(table.name);
    TRY(auto removed, table::remove_from_database(format, table.name, keys, wishes_.make));
    return removed > 0 ? 0 : 1;
}

/// The text that a database is made of.
Result<int> TableWork::check_text(const NamedTable& table) {
    const auto format = table::format_named(table.type);
    const auto text = read_file(table.name);
    if (!text) return 0;
    const table::Source source = parse(*text, table.name);
    int status = source.problems.empty() ? 0 : 1;
    std::map<std::string, int> lines;
    for (const table::Entry& entry : source.entries) {
        const auto [first, is_new] = lines.try_emplace(to_lower(entry.key), entry.line);
        if (is_new) continue;
        log_warning(table.name + ", line " + std::to_string(entry.line) + ": \"" + entry.key +
                    "\" stands in line " + std::to_string(first->second) + " already");
        status = 1;
    }
    const auto of_text = table::Stamp::of(table.name);
    const auto made = format ? table::Stamp::of(table::database_path(*format, table.name))
                             : std::optional<table::Stamp>();
    if (made && of_text && of_text->modified > made->modified) {
        log_warning(table::database_path(*format, table.name) + " is older than " + table.name +
                    "; run postmap " + table.whole());
        status = 1;
    }
    return status;
}

Result<int> TableWork::check(const NamedTable& table) {
    int status = 0;
    if (table::format_named(table.type) || table.type == "texthash") {
        TRY(status, check_text(table));
    }
    std::unique_ptr<table::PatternLanguage> language;
    if (table.type == "regexp") language = table::posix_patterns();
    if (table.type == "pcre") language = table::perl_patterns();
    if (table.type == "cidr") language = table::networks();
    if (language && !table.name.starts_with('{')) {
        TRY(std::string text, read_file(table.name));
        std::vector<conf::Problem> problems;
        const table::RuleTable rules(table.whole(), text, *language, problems);
        for (const auto& problem : problems)
            log_warning(problem.where_and_what());
        return problems.empty() ? 0 : 1;
    }
    // A key that nobody has: whatever can fail does so here.
    TRY(auto value, tables_->get(table.whole()).find("facteur-table-check@check.invalid"));
    return status;
}

Result<int> TableWork::work_on(const NamedTable& table) {
    if (wishes_.check) return check(table);
    if (!wishes_.remove.empty()) return remove(table);
    if (wishes_.list) return list(table);
    return build(table);
}

int TableWork::run() {
    std::vector<NamedTable> tables;
    for (const std::string& file : wishes_.files)
        tables.push_back(named(file));
    if (wishes_.asks()) {
        auto done = query_all(tables);
        return done ? *done : complain(done.error().text);
    }
    const bool removes = !wishes_.remove.empty();
    int status = removes ? 1 : 0;
    for (const NamedTable& table : tables) {
        auto done = work_on(table);
        if (!done) return complain(done.error().text);
        status = removes ? std::min(status, *done) : std::max(status, *done);
    }
    return status;
}

}  // namespace facteur::tool
