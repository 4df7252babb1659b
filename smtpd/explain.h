#pragma once

#include <string>
#include <vector>

#include "smtpd/settings.h"

namespace facteur::smtpd {

/// `smtpd [-n service] [-o name=value] explain client=IP helo=NAME from=ADDRESS to=ADDRESS
/// login=USER`: holds the conversation that such a client would have, with the session's own code
/// and the daemons that run, up to the answer to RCPT.  Nothing is counted, remembered or queued.
/// Prints one line a restriction, table answer and reply, in fields separated by TAB.
int explain(Settings& settings, const std::vector<std::string>& words);

}  // namespace facteur::smtpd
