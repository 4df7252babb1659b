#include "smtpd/reply_template.h"

#include "lib/base/text.h"
#include "lib/config/expand.h"
#include "lib/smtp/status.h"

namespace facteur::smtpd {

namespace {

/// Of one name's value.
constexpr std::size_t kMostExpanded = 256;

}  // namespace

Result<smtp::Reply> reply_of(
    const std::string& pattern,
    const std::function<std::optional<std::string>(std::string_view)>& value) {
    const auto lookup = [&](std::string_view name) -> std::optional<std::string> {
        auto found = value(name);
        if (!found) return std::nullopt;
        // One level only: a "$" that a stranger sent stays one.
        return replace_all(printable(*found, kMostExpanded), "$", "$$");
    };
    TRY(const std::string text, conf::expand(pattern, lookup));
    std::string_view rest = text;
    const auto code = parse_number(take_word(rest));
    if (!code || *code < 400 || *code > 599) return permanent("no reply code in " + pattern);
    const int number = static_cast<int>(*code);
    std::string_view status = smtp::take_status(rest, number);
    if (status.empty()) status = "5.7.1";
    return smtp::Reply{number, std::string(status), std::string(rest)};
}

}  // namespace facteur::smtpd
