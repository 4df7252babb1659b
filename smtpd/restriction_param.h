#pragma once

#include "lib/config/param.h"
#include "smtpd/restriction.h"

/// A restriction list as a parameter: a name that is not in the language is found when main.cf is
/// read, with its file and line.
template <>
class facteur::conf::Param<facteur::smtpd::Restrictions> : public ParamBase {
public:
    Param(Params& params, std::string_view name, smtpd::Stage stage, std::string_view value,
          std::string_view description);
    const smtpd::Restrictions& operator()() const { return value_; }
    std::string type() const override { return "list"; }
    Result<void> set(std::string_view expanded) override;

private:
    smtpd::Stage stage_;
    smtpd::Restrictions value_;
};
