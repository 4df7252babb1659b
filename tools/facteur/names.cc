#include "tools/facteur/names.h"

namespace facteur::tool {

std::span<const Name> names() {
    // One line a name; its main() stands in the file of the subcommand that does the work.
    static constexpr Name kNames[] = {
        {"mailq", "bin", &mailq_main},          {"newaliases", "bin", &newaliases_main},
        {"postalias", "sbin", &postalias_main}, {"postcat", "sbin", &postcat_main},
        {"postqueue", "sbin", &postqueue_main}, {"postsuper", "sbin", &postsuper_main},
        {"sendmail", "sbin", &sendmail_main},   {"postconf", "sbin", &postconf_main},
        {"postmap", "sbin", &postmap_main},
    };
    return kNames;
}

const Name* called_by(std::string_view program) {
    program = program.substr(program.rfind('/') + 1);
    for (const Name& name : names())
        if (name.name == program) return &name;
    return nullptr;
}

}  // namespace facteur::tool
