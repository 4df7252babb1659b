#include "smtpd/settings.h"

#include "lib/config/interfaces.h"
#include "lib/config/load.h"

namespace facteur::smtpd {

void RestrictionSettings::load_classes(const conf::MainCf& file, const conf::Values& values) {
    class_lists.clear();
    class_problems.clear();
    for (const std::string& name : classes()) {
        if (!file.find(name)) {
            class_problems.emplace_back(name, "smtpd_restriction_classes names \"" + name +
                                                  "\": define it as a list of restrictions");
            continue;
        }
        auto list = parse_restrictions(conf::parse_list(values.get(name)), classes());
        if (list) {
            class_lists[name] = *std::move(list);
        } else {
            class_problems.emplace_back(name, name + ": " + list.error().text);
        }
    }
}

void Settings::learn_own_addresses() {
    own_addresses.clear();
    for (const std::string& word : inet_interfaces()) {
        if (word != "all" && word != "loopback-only") own_addresses.push_back(word);
        if (word != "all") continue;
        for (const conf::Interface& interface : conf::own_interfaces())
            own_addresses.push_back(interface.ip);
    }
    for (const std::string& word : proxy_interfaces.addresses())
        own_addresses.push_back(word);
}

void TlsSettings::follow_older_names() {
    if (level() != TlsLevel::none) return;
    if (use()) (void)level.set("may");
    if (enforce()) (void)level.set("encrypt");
}

}  // namespace facteur::smtpd
