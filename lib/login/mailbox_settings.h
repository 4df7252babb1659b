#pragma once

#include <string>
#include <string_view>

#include "lib/config/param.h"
#include "lib/store/compression.h"
#include "lib/store/settings.h"

namespace facteur::login {

/// Parameters of a mailbox stage; `daemon` is "imapd" or "pop3d".
struct MailboxSettings : conf::Section {
    MailboxSettings(Section& outer, std::string_view daemon) : Section(outer), daemon_(daemon) {}

private:
    std::string daemon_;
    std::string named(std::string_view end) const { return daemon_ + std::string(end); }

public:
    conf::Param<int> sessions_per_process{
        params, named("_sessions_per_process"), 1000, conf::at_least(1),
        "Sessions of one owner of mail (one uid) that a process serves at a time; further ones "
        "get another process.  1 gives each session a process of its own."};
    conf::Param<int> process_limit{
        params, named("_process_limit"), 1000, conf::at_least(1),
        "Processes that serve sessions at a time, for all owners of mail together."};
    conf::Param<conf::Seconds> process_idle_time{
        params, named("_process_idle_time"), conf::Seconds(60), conf::at_least(conf::Seconds(0)),
        "How long a process without a session waits for the next one before it ends."};
    conf::Param<int> max_userip_connections{
        params, "mail_max_userip_connections", 10, conf::at_least(0),
        "Sessions that one user may have from one address with one protocol; 0 is no limit."};
    store::Settings store{*this};
    store::CompressionSettings compression{*this};
};

}  // namespace facteur::login
