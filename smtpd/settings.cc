#include "smtpd/settings.h"

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

}  // namespace facteur::smtpd
