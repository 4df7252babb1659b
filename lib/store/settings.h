#pragma once

#include <string>
#include <vector>

#include "lib/config/param.h"

namespace facteur::store {

/// Parameters of all that open mailboxes.  A user's entry in the user database may set each of
/// those with a Dovecot name for himself ("userdb_quota_rule=*:storage=1G").
struct Settings : conf::Section {
    explicit Settings(Section& outer) : Section(outer) {}

    conf::Param<std::string> quota{
        params, "quota", "",
        "How much mail a user may keep is limited and counted, in the file maildirsize: "
        "\"maildir:User quota\" (\"count:User quota\" is the same), with \":noenforcing\" behind "
        "it only counted. Empty: no quota."};
    conf::Param<std::string> quota_rule{
        params, "quota_rule", "",
        "The limits, \"*:storage=1G:messages=10000\", or those of one mailbox, "
        "\"Trash:storage=+100M\" or \"Spam:ignore\". A userdb field of the same name overrides it "
        "for one user."};
    conf::Param<std::string> quota_rule2{params, "quota_rule2", "", "A further quota_rule."};
    conf::Param<std::string> quota_rule3{params, "quota_rule3", "", "A further quota_rule."};
    conf::Param<std::string> quota_rule4{params, "quota_rule4", "", "A further quota_rule."};
    conf::Param<std::string> quota_rule5{params, "quota_rule5", "", "A further quota_rule."};
    conf::Param<std::string> quota_rule6{params, "quota_rule6", "", "A further quota_rule."};
    conf::Param<std::string> quota_grace{
        params, "quota_grace", "10%",
        "By how much the last message may go beyond the quota, as a part of it or as a size."};
    conf::Param<std::string> quota_max_mail_size{
        params, "quota_max_mail_size", "",
        "The largest message that is saved in a mailbox with a quota; empty: no limit."};
    conf::Param<std::string> quota_exceeded_message{
        params, "quota_exceeded_message", "Quota exceeded (mailbox for user is full)",
        "What senders and clients are told when a message has no room."};
    conf::Param<std::string> quota_warning{
        params, "quota_warning", "",
        "\"storage=95% COMMAND\": a command that is run as the user when a delivery makes the "
        "use cross this much of the quota (\"-storage=100%\": when it falls below). The first "
        "warning that fits is given."};
    conf::Param<std::string> quota_warning2{params, "quota_warning2", "",
                                            "A further quota_warning."};
    conf::Param<std::string> quota_warning3{params, "quota_warning3", "",
                                            "A further quota_warning."};
    conf::Param<std::string> quota_warning4{params, "quota_warning4", "",
                                            "A further quota_warning."};
    conf::Param<conf::Seconds> expunged_keep_time{
        params, "mail_expunged_keep_time", conf::Seconds(0),
        conf::at_least(conf::Seconds(0)).in('d'),
        "How long expunged mail stays on disk, where `facteur mailbox undelete` finds it. It does "
        "not count for the quota. 0: it is removed at once."};

    /// For Options::settings: these, then what the user's entry says.
    std::vector<std::string> with(const std::vector<std::string>& userdb_fields) const;
};

}  // namespace facteur::store
