#pragma once

#include "lib/config/param.h"
#include "smtpd/restriction.h"

/// A restriction list as a parameter: a name that is not in the language is found when main.cf is
/// read, with its file and line.
template <>
class facteur::conf::Param<facteur::smtpd::Restrictions> : public ParamBase {
public:
    /// classes: smtpd_restriction_classes, which is read before.
    Param(Params& params, std::string_view name, const Param<List>& classes, std::string_view value,
          std::string_view description);
    const smtpd::Restrictions& operator()() const { return value_; }
    std::string type() const override { return "list"; }
    Result<void> set(std::string_view expanded) override;

private:
    const Param<List>& classes_;
    smtpd::Restrictions value_;
};
