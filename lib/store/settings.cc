#include "lib/store/settings.h"

namespace facteur::store {

std::vector<std::string> Settings::with(const std::vector<std::string>& userdb_fields) const {
    std::vector<std::string> out;
    for (const auto* param :
         {&quota, &quota_rule, &quota_rule2, &quota_rule3, &quota_rule4, &quota_rule5, &quota_rule6,
          &quota_grace, &quota_max_mail_size, &quota_exceeded_message, &quota_warning,
          &quota_warning2, &quota_warning3, &quota_warning4}) {
        if (!(*param)().empty()) out.push_back(param->name() + "=" + (*param)());
    }
    if (expunged_keep_time().count() > 0)
        out.push_back(expunged_keep_time.name() + "=" +
                      std::to_string(expunged_keep_time().count()));
    out.insert(out.end(), userdb_fields.begin(), userdb_fields.end());
    return out;
}

}  // namespace facteur::store
