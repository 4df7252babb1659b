#pragma once

#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "lib/config/param.h"

namespace facteur::conf {

/// A parameter of which each service of master.cf may have a value of its own.  Its name is that of
/// the value for all others; the own one is called SERVICE + suffix.
///
///     conf::PerService<int> limit{params, "default_destination_concurrency_limit",
///                                 "_destination_concurrency_limit", 20, conf::at_least(0), "…"};
///     settings.limit("smtp")   // smtp_destination_concurrency_limit, or the default
template <class T>
class PerService : public Param<T> {
public:
    using Value = std::decay_t<decltype(std::declval<const Param<T>&>()())>;

    template <class... More>
    PerService(Params& params, std::string_view name, std::string_view suffix, More&&... more)
        : Param<T>(params, name, std::forward<More>(more)...),
          suffix_(suffix),
          text_(this->default_text()) {}

    Value operator()(std::string_view service) const {
        auto own = own_.find(service);
        return own == own_.end() ? Param<T>::operator()() : own->second;
    }
    std::string_view suffix() const override { return suffix_; }
    Result<void> set(std::string_view expanded) override {
        TRY_VOID(Param<T>::set(expanded));
        text_ = expanded;
        return {};
    }
    Result<void> set_for(std::string_view service, std::string_view expanded) override {
        TRY_VOID(Param<T>::set(expanded));
        own_.insert_or_assign(std::string(service), Param<T>::operator()());
        return Param<T>::set(text_);
    }

private:
    std::string suffix_;
    std::string text_;  ///< of the value for all
    std::map<std::string, Value, std::less<>> own_;
};

/// The parameter that `name` sets for one service; nullptr when it is none of that kind.
ParamBase* per_service(const Params& params, std::string_view name);

}  // namespace facteur::conf
