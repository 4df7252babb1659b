#include "addressd/settings.h"

#include "lib/base/read_file.h"
#include "lib/base/text.h"
#include "lib/config/load.h"
#include "lib/config/master_cf.h"
#include "lib/table/stamp.h"
#include "lib/table/tables.h"

namespace facteur::addressd {

void Settings::note_table(const std::string& type_and_name) {
    if (!named_tables.insert(type_and_name).second) return;
    std::string whole = type_and_name;
    while (whole.starts_with("proxy:"))
        whole.erase(0, 6);
    const auto colon = whole.find(':');
    if (colon == std::string::npos) return;
    const std::string name = whole.substr(colon + 1);
    if (name.starts_with('/')) named_files.insert(name);
    if (!table::Tables::is_client(whole.substr(0, colon))) return;
    asks_servers = true;
    // Its file may name more files: dbpath, certificates, domain = hash:/path.
    auto text = name.starts_with('/') ? read_file(name) : Result<std::string>(std::string());
    if (!text) return;
    const conf::MainCf own = conf::MainCf::parse(*text, name);
    for (const auto& [parameter, setting] : own.settings())
        note_names(setting.value);
}

// Words may stand in braces: unionmap:{hash:/a,hash:/b}, { check_client_access hash:/c }.
void Settings::note_names(const std::string& value) {
    for (const std::string& word : conf::parse_list(value)) {
        const auto colon = word.find(':');
        const auto open = word.find('{');
        if (open != std::string::npos && word.ends_with('}')) {
            note_names(word.substr(open + 1, word.size() - open - 2));
        }
        if (word.starts_with('/') || word.starts_with("!/")) {
            named_files.insert(word.substr(word.find('/')));
        } else if (colon != std::string::npos && colon > 0 &&
                   (open == std::string::npos || colon < open)) {
            note_table(word);
        }
    }
}

void Settings::loaded(const conf::MainCf& file, const conf::Values& values) {
    named_tables.clear();
    asks_servers = false;
    named_files.clear();
    for (const conf::ParamBase* param : params)
        note_names(values.get(param->name()));
    written.clear();
    for (const auto& [name, setting] : file.settings()) {
        written[name] = values.get(name);
        note_names(written[name]);
    }
    // What a service's -o names is as good as what main.cf names.
    const std::string master_cf = config_directory() + "/master.cf";
    auto text = read_file(master_cf);
    if (!text) return;
    for (const auto& service : conf::parse_master_cf(*text, master_cf).services) {
        for (const auto& [name, value] : service.overrides)
            note_names(values.expand(value).value_or(std::string()));
    }
}

}  // namespace facteur::addressd
