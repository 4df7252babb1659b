#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/smtp/reply.h"

namespace facteur::smtpd {

/// Characters as smtpd_expansion_filter writes them ("\t\40!…"): which of them a value may have.
class CharacterFilter {
public:
    explicit CharacterFilter(std::string_view escaped);
    /// The text with "_" for each character that is not allowed.
    std::string operator()(std::string_view text) const;

private:
    bool allowed_[256] = {};
};

/// smtpd_reject_footer behind a reply.  The template is in postconf(5)'s form; an Error: it names
/// what is not there.
Result<void> add_footer(smtp::Reply& reply, const std::string& footer,
                        const std::function<std::optional<std::string>(std::string_view)>& value);

/// soft_bounce: 5xx becomes 4xx, in the enhanced status too.
void make_temporary(smtp::Reply& reply);

}  // namespace facteur::smtpd
