#pragma once

#include <span>
#include <string_view>

namespace facteur::tool {

/// A name that hands and scripts know from other mail systems; `make install` links it to facteur.
struct Name {
    std::string_view name;    ///< "mailq"
    std::string_view folder;  ///< "bin" or "sbin"
    int (*main)(int argc, char** argv);
};

int postconf_main(int argc, char** argv);
int postmap_main(int argc, char** argv);
int postalias_main(int argc, char** argv);
int newaliases_main(int argc, char** argv);
int mailq_main(int argc, char** argv);
int sendmail_main(int argc, char** argv);
int postqueue_main(int argc, char** argv);
int postsuper_main(int argc, char** argv);
int postcat_main(int argc, char** argv);

std::span<const Name> names();
/// The one that this program was called by (the last part of argv[0]); nullptr for "facteur".
const Name* called_by(std::string_view program);

}  // namespace facteur::tool
