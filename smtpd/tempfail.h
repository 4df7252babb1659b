#pragma once

#include <cstdint>

#include "lib/config/param.h"

namespace facteur::smtpd {

/// *_tempfail_action.
enum class Tempfail : std::uint8_t { defer_if_permit, defer, inherited };
inline const conf::Choices<Tempfail> kTempfails{
    {"defer_if_permit", Tempfail::defer_if_permit},
    {"defer", Tempfail::defer},
    {"$reject_tempfail_action", Tempfail::inherited},  // a default, which expands to one of them
};

}  // namespace facteur::smtpd
