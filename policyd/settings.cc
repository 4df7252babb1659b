#include "policyd/settings.h"

#include <fstream>
#include <sstream>

#include "lib/config/load.h"
#include "lib/config/master_cf.h"
#include "policyd/delegation.h"

namespace facteur::policyd {

void Settings::loaded(const conf::MainCf& file, const conf::Values& values) {
    policy_servers.clear();
    const auto note = [&](const std::string& value) {
        for (std::string& name : server_names(value))
            policy_servers.insert(std::move(name));
    };
    for (const auto& [name, setting] : file.settings())
        note(values.get(name));
    // What a service's -o names is as good as what main.cf names.
    const std::string path = config_directory() + "/master.cf";
    std::ifstream master_cf(path);
    std::ostringstream text;
    text << master_cf.rdbuf();
    for (const auto& service : conf::parse_master_cf(text.str(), path).services) {
        for (const auto& [name, value] : service.overrides)
            note(values.expand(value).value_or(std::string()));
    }
}

bool Settings::asks_network() const {
    for (const std::string& milter : cleaning.milters())
        if (milter.find("inet:") != std::string::npos) return true;
    for (const std::string& name : policy_servers)
        if (name.starts_with("inet:")) return true;
    return false;
}

}  // namespace facteur::policyd
