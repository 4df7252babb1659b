#include "smtpd/restriction_param.h"

namespace facteur::conf {

Param<smtpd::Restrictions>::Param(Params& params, std::string_view name, const Param<List>& classes,
                                  std::string_view value, std::string_view description)
    : ParamBase(params, name, std::string(value), description), classes_(classes) {
    (void)set(value);
}

Result<void> Param<smtpd::Restrictions>::set(std::string_view expanded) {
    TRY(value_, smtpd::parse_restrictions(parse_list(expanded), classes_()));
    return {};
}

}  // namespace facteur::conf
