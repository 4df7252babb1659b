#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/config/master_cf.h"
#include "tools/facteur/known.h"
#include "tools/facteur/postfix_parameters.h"

namespace facteur::tool {

/// What is to be said about the names that main.cf and master.cf set: each one is known to a
/// daemon, or is called unknown, meaningless or refused.  Nothing is ignored in silence.
class NameCheck {
public:
    NameCheck(const conf::MainCf& main_cf, const conf::MasterCf& master_cf,
              std::string master_cf_file, const KnownParameters& known)
        : main_cf_(main_cf),
          master_cf_(master_cf),
          file_(std::move(master_cf_file)),
          known_(known) {}

    std::vector<conf::Problem> run();

private:
    void collect_used();
    void note_table_parameters(std::string_view value);
    bool is_used(std::string_view name) const;
    void check_main_cf();
    void check_overrides(const conf::ServiceLine& line);
    /// A name that no daemon declares.
    void judge(const std::string& name, const conf::Setting& setting);
    bool has_service(std::string_view name) const;
    /// The nearest name, of our daemons' parameters or of Postfix's.
    std::string nearest(const std::string& name) const;
    void add(conf::Problem::Level level, const conf::Setting& setting, std::string text);

    const conf::MainCf& main_cf_;
    const conf::MasterCf& master_cf_;
    std::string file_;  ///< of master.cf
    const KnownParameters& known_;
    PostfixParameters table_;
    std::set<std::string, std::less<>> used_;  ///< names that other values ask for
    std::set<std::string> table_prefixes_;     ///< "users_" for ldap:users
    std::vector<conf::Problem> problems_;
};

}  // namespace facteur::tool
