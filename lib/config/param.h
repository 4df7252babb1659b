#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/result.h"

namespace facteur::conf {

class ParamBase;
class MainCf;
class Values;
using Params = std::vector<ParamBase*>;

/// A group of parameters: each is a member with an initialiser, and that initialiser is the only
/// place where the parameter exists.  From `params` derive: loading and checking (load.h), the
/// listing of `facteur conf`, the table that `DAEMON --parameters` prints, main.cf(5).
///
///     struct Settings : conf::Common {
///         conf::Param<conf::Seconds> timeout{params, "smtpd_timeout", 300s, conf::at_least(1s),
///             "Total time for receiving one command and sending its reply."};
///     };
///
/// A section that several daemons share is a member: `TlsSettings tls{*this};` with a
/// constructor `explicit TlsSettings(Section& outer) : Section(outer) {}`.
struct Section {
    Section() : params(own_) {}
    explicit Section(Section& outer) : params(outer.params) {}
    virtual ~Section() = default;
    /// After load(): for what depends on more than one parameter.
    virtual void loaded(const MainCf&, const Values&) {}
    Section(const Section&) = delete;
    Section& operator=(const Section&) = delete;

private:
    Params own_;

public:
    Params& params;
};

using Seconds = std::chrono::seconds;
using Milliseconds = std::chrono::milliseconds;

/// A number of bytes: `10k`, `20m`, `1g` in main.cf (powers of 1024).
struct Size;
/// Words separated by commas or spaces; a `{ … }` group is one word.
struct List;
/// A string in which `$name` is left alone, for expansion when it is used.
struct Raw;

template <class T>
constexpr T smallest() {
    if constexpr (requires { T::min(); }) {
        return T::min();
    } else {
        return std::numeric_limits<T>::min();
    }
}
template <class T>
constexpr T largest() {
    if constexpr (requires { T::max(); }) {
        return T::max();
    } else {
        return std::numeric_limits<T>::max();
    }
}

/// What numbers a parameter accepts; for times also the unit of a number without suffix.
template <class T>
struct Range {
    T min = smallest<T>();
    T max = largest<T>();
    char unit = 's';

    /// conf::at_least(0h).in('h'): a number without suffix counts hours.
    Range in(char default_unit) const { return Range{min, max, default_unit}; }
    /// Range<hours> and Range<int> serve for Range<Seconds> and Range<uint64_t>.
    template <class U>
    operator Range<U>() const {
        return Range<U>{static_cast<U>(min),
                        max == largest<T>() ? largest<U>() : static_cast<U>(max), unit};
    }
};
template <class T>
Range<T> at_least(T min) {
    return Range<T>{min, largest<T>(), 's'};
}
template <class T>
Range<T> between(T min, T max) {
    return Range<T>{min, max, 's'};
}

/// A default in main.cf's own language: conf::Default("$default_process_limit"), Default("4h").
class Default {
public:
    explicit Default(std::string_view text) : text_(text) {}
    const std::string& text() const { return text_; }

private:
    std::string text_;
};

/// A default that is computed from other parameters, as mydomain is from myhostname.
class Derived {
public:
    using Function = std::string (*)(const Values&);
    explicit Derived(Function derive) : function_(derive) {}
    Function function() const { return function_; }

private:
    Function function_;
};

/// One parameter without its type: what the loader, the tools and the manual see.
class ParamBase {
public:
    virtual ~ParamBase() = default;
    ParamBase(const ParamBase&) = delete;
    ParamBase& operator=(const ParamBase&) = delete;

    const std::string& name() const { return name_; }
    const std::string& description() const { return description_; }
    /// The default, unexpanded, as it would stand in main.cf.
    const std::string& default_text() const { return default_text_; }
    Derived::Function derived() const { return derived_; }
    /// "boolean", "integer", "size", "time", "string", "list", "raw", "enumeration".
    virtual std::string type() const = 0;
    /// What is accepted, for people: "1 .. 1000", "none, may, encrypt"; may be empty.
    virtual std::string allowed() const { return std::string(); }
    /// Unit of a number without suffix; 0 when the parameter is not a time.
    virtual char unit() const { return 0; }
    /// `$name` in the value is left alone.
    virtual bool is_raw() const { return false; }
    /// With it in the place of `default`, a name sets the value for one service (per_service.h);
    /// empty: there is one value for all.
    virtual std::string_view suffix() const { return {}; }
    virtual Result<void> set_for(std::string_view, std::string_view) { return {}; }
    /// Takes the value over; the Error says what is wrong and what to write instead.
    virtual Result<void> set(std::string_view expanded) = 0;

protected:
    ParamBase(Params& params, std::string_view name, std::string default_text,
              std::string_view description);
    void set_derived(Derived::Function function) { derived_ = function; }

private:
    std::string name_;
    std::string default_text_;
    std::string description_;
    Derived::Function derived_ = nullptr;
};

// Text forms of the types; Errors without the parameter's name.
Result<bool> parse_bool(std::string_view text);
Result<std::int64_t> parse_integer(std::string_view text);
Result<std::uint64_t> parse_size(std::string_view text);
Result<Milliseconds> parse_time(std::string_view text, char unit);
std::vector<std::string> parse_list(std::string_view text);
std::string time_text(Milliseconds time);
Result<void> check_range(std::int64_t value, std::int64_t min, std::int64_t max);
Result<void> check_time_range(Milliseconds value, Milliseconds min, Milliseconds max);
std::string range_text(std::int64_t min, std::int64_t max);
std::string time_range_text(Milliseconds min, Milliseconds max);

template <class T>
class Param;

template <>
class Param<bool> : public ParamBase {
public:
    Param(Params& params, std::string_view name, bool value, std::string_view description);
    Param(Params& params, std::string_view name, Default value, std::string_view description);
    bool operator()() const { return value_; }
    std::string type() const override { return "boolean"; }
    std::string allowed() const override { return "yes, no"; }
    Result<void> set(std::string_view expanded) override;

private:
    bool value_ = false;
};

template <class T>
class NumberParam : public ParamBase {
public:
    NumberParam(Params& params, std::string_view name, T value, Range<T> range,
                std::string_view description)
        : ParamBase(params, name, std::to_string(value), description),
          value_(value),
          range_(range) {}
    NumberParam(Params& params, std::string_view name, const Default& value, Range<T> range,
                std::string_view description)
        : ParamBase(params, name, value.text(), description), range_(range) {
        if (auto number = parse_integer(value.text())) value_ = static_cast<T>(*number);
    }
    T operator()() const { return value_; }
    std::string type() const override { return "integer"; }
    std::string allowed() const override { return range_text(range_.min, range_.max); }
    Result<void> set(std::string_view expanded) override {
        TRY(auto number, parse_integer(expanded));
        TRY_VOID(check_range(number, range_.min, range_.max));
        value_ = static_cast<T>(number);
        return {};
    }

private:
    T value_ = 0;
    Range<T> range_;
};

template <>
class Param<int> : public NumberParam<int> {
public:
    using NumberParam<int>::NumberParam;
    Param(Params& params, std::string_view name, int value, std::string_view description)
        : NumberParam(params, name, value, Range<int>{0, largest<int>(), 0}, description) {}
    Param(Params& params, std::string_view name, const Default& value, std::string_view description)
        : NumberParam(params, name, value, Range<int>{0, largest<int>(), 0}, description) {}
};

template <>
class Param<std::int64_t> : public NumberParam<std::int64_t> {
public:
    using NumberParam<std::int64_t>::NumberParam;
};

template <>
class Param<Size> : public ParamBase {
public:
    using Limits = Range<std::uint64_t>;
    Param(Params& params, std::string_view name, std::uint64_t value, Limits range,
          std::string_view description);
    Param(Params& params, std::string_view name, std::uint64_t value, std::string_view description)
        : Param(params, name, value, Limits(), description) {}
    Param(Params& params, std::string_view name, const Default& value,
          std::string_view description);
    std::uint64_t operator()() const { return value_; }
    std::string type() const override { return "size"; }
    std::string allowed() const override;
    Result<void> set(std::string_view expanded) override;

private:
    std::uint64_t value_ = 0;
    Limits range_;
};

/// Times: Param<Seconds> and Param<Milliseconds>.
template <class T>
class TimeParam : public ParamBase {
public:
    TimeParam(Params& params, std::string_view name, T value, Range<T> range,
              std::string_view description)
        : ParamBase(params, name, time_text(value), description), value_(value), range_(range) {}
    TimeParam(Params& params, std::string_view name, T value, std::string_view description)
        : TimeParam(params, name, value, at_least(T(0)), description) {}
    TimeParam(Params& params, std::string_view name, const Default& value, Range<T> range,
              std::string_view description)
        : ParamBase(params, name, value.text(), description), range_(range) {
        if (auto time = parse_time(value.text(), range.unit))
            value_ = std::chrono::duration_cast<T>(*time);
    }
    TimeParam(Params& params, std::string_view name, const Default& value,
              std::string_view description)
        : TimeParam(params, name, value, at_least(T(0)), description) {}
    T operator()() const { return value_; }
    std::string type() const override { return "time"; }
    std::string allowed() const override { return time_range_text(low(), high()); }
    char unit() const override { return range_.unit; }
    Result<void> set(std::string_view expanded) override {
        TRY(auto time, parse_time(expanded, range_.unit));
        TRY_VOID(check_time_range(time, low(), high()));
        value_ = std::chrono::duration_cast<T>(time);
        return {};
    }

private:
    Milliseconds low() const { return range_.min; }
    Milliseconds high() const {
        return range_.max == largest<T>() ? Milliseconds::max() : Milliseconds(range_.max);
    }
    T value_{};
    Range<T> range_;
};

template <>
class Param<Seconds> : public TimeParam<Seconds> {
public:
    using TimeParam<Seconds>::TimeParam;
};
template <>
class Param<Milliseconds> : public TimeParam<Milliseconds> {
public:
    using TimeParam<Milliseconds>::TimeParam;
};

template <>
class Param<std::string> : public ParamBase {
public:
    Param(Params& params, std::string_view name, std::string_view value,
          std::string_view description);
    Param(Params& params, std::string_view name, Derived value, std::string_view description);
    const std::string& operator()() const { return value_; }
    std::string type() const override { return "string"; }
    Result<void> set(std::string_view expanded) override;

private:
    std::string value_;
};

template <>
class Param<Raw> : public ParamBase {
public:
    Param(Params& params, std::string_view name, std::string_view value,
          std::string_view description);
    const std::string& operator()() const { return value_; }
    std::string type() const override { return "raw"; }
    bool is_raw() const override { return true; }
    Result<void> set(std::string_view expanded) override;

private:
    std::string value_;
};

template <>
class Param<List> : public ParamBase {
public:
    Param(Params& params, std::string_view name, std::string_view value,
          std::string_view description);
    Param(Params& params, std::string_view name, Derived value, std::string_view description);
    const std::vector<std::string>& operator()() const { return value_; }
    std::string type() const override { return "list"; }
    Result<void> set(std::string_view expanded) override;

private:
    std::vector<std::string> value_;
};

/// The names of an enumeration: conf::Choices<Level>{{"none", Level::none}, {"may", Level::may}}.
template <class E>
using Choices = std::vector<std::pair<std::string_view, E>>;

Error not_a_choice(std::string_view text, const std::vector<std::string_view>& names);

template <class E>
class Param : public ParamBase {
public:
    Param(Params& params, std::string_view name, E value, Choices<E> choices,
          std::string_view description)
        : ParamBase(params, name, std::string(name_of(choices, value)), description),
          value_(value),
          choices_(std::move(choices)) {}
    E operator()() const { return value_; }
    std::string type() const override { return "enumeration"; }
    std::string allowed() const override {
        std::string all;
        for (const auto& [text, value] : choices_) {
            if (text.empty()) continue;
            all.append(all.empty() ? "" : ", ").append(text);
        }
        return all;
    }
    Result<void> set(std::string_view expanded) override {
        std::vector<std::string_view> names;
        for (const auto& [text, value] : choices_) {
            if (text == expanded) {
                value_ = value;
                return {};
            }
            names.push_back(text);
        }
        return std::unexpected(not_a_choice(expanded, names));
    }

private:
    static std::string_view name_of(const Choices<E>& choices, E wanted) {
        for (const auto& [text, value] : choices)
            if (value == wanted) return text;
        return std::string_view();
    }
    E value_;
    Choices<E> choices_;
};

}  // namespace facteur::conf
