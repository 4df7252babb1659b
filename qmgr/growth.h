#pragma once

#include <string>
#include <string_view>

#include "lib/config/param.h"

namespace facteur::qmgr {

/// How much a good or a bad delivery changes a destination's concurrency: "1", "0.5",
/// "1/concurrency", "1/sqrt_concurrency" (Postfix's SCHEDULER_README).
struct Growth {
    enum class Per { delivery, concurrency, sqrt_concurrency };
    double number = 1;
    Per per = Per::delivery;

    /// The change at this concurrency; never more than 1.
    double at(double concurrency) const;
};
Result<Growth> parse_growth(std::string_view text);

}  // namespace facteur::qmgr

namespace facteur::conf {

template <>
class Param<qmgr::Growth> : public ParamBase {
public:
    Param(Params& params, std::string_view name, std::string_view value,
          std::string_view description)
        : ParamBase(params, name, std::string(value), description) {
        (void)Param::set(value);
    }
    qmgr::Growth operator()() const { return value_; }
    std::string type() const override { return "string"; }
    std::string allowed() const override {
        return "a number up to 1, NUMBER/concurrency, NUMBER/sqrt_concurrency";
    }
    Result<void> set(std::string_view expanded) override {
        TRY(value_, qmgr::parse_growth(expanded));
        return {};
    }

private:
    qmgr::Growth value_;
};

}  // namespace facteur::conf
