#pragma once

#include "lib/config/alias_settings.h"
#include "lib/config/common.h"
#include "lib/config/per_service.h"
#include "lib/store/compression.h"
#include "lib/store/settings.h"

namespace facteur::lmtp_local {

/// What neither a shell nor a file system reads anything into.
constexpr const char* kPlainCharacters =
    "1234567890!@%-_=+:,./abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

struct Settings : conf::Common {
    conf::Param<int> jobs{params, "local_delivery_jobs", 2000, conf::Range<int>{1, 100000},
                          "Delivery jobs that qmgr may give to lmtp-local at a time."};
    conf::Param<conf::Milliseconds> flush_delay{
        params, "mailbox_flush_delay", conf::Milliseconds(1000),
        conf::at_least(conf::Milliseconds(1)),
        "How long a delivered message may wait for the flush after which the queue forgets it."};
    conf::Param<int> flush_messages{
        params, "mailbox_flush_messages", 2000, conf::at_least(1),
        "With so many delivered messages waiting, the flush comes at once."};
    conf::Param<int> folder_cache{
        params, "mailbox_folder_cache", 500, conf::Range<int>{0, 100000},
        "Mailboxes that stay open for the next delivery, three descriptors each; never more than "
        "an eighth of the descriptors that the process may have."};
    conf::Param<int> user_cache{params, "local_user_cache", 4096, conf::at_least(0),
                                "Users that are remembered for a few seconds after a delivery."};
    conf::Param<bool> forward_files{
        params, "allow_forward_files", true,
        "Whether system users may redirect their mail with ~/.forward."};
    conf::Param<conf::Seconds> timeout{params, "lmtpd_timeout", conf::Seconds(300),
                                       conf::at_least(conf::Seconds(1)),
                                       "How long an LMTP client may take to send one command."};
    conf::Param<int> recipient_limit{params, "lmtpd_recipient_limit", 1000,
                                     conf::Range<int>{100, 100000},
                                     "Recipients of one message over LMTP."};

    store::CompressionSettings compression{*this};
    conf::AliasSettings aliases{*this};
    store::Settings store{*this};

    conf::Param<bool> quota_full_tempfail{
        params, "quota_full_tempfail", false,
        "Whether mail for a mailbox that is full is tried again later (4.2.2) instead of returned "
        "(5.2.2)."};
    conf::Param<std::string> quota_status_success{
        params, "quota_status_success", "OK",
        "What the service quota-status answers to Postfix's policy protocol for a recipient who "
        "has room; DUNNO lets the restrictions behind it decide."};
    conf::Param<std::string> quota_status_toolarge{
        params, "quota_status_toolarge", "",
        "What it answers for a message that is larger than quota_max_mail_size; by default what "
        "quota_status_overquota says."};
    conf::Param<std::string> quota_status_nouser{
        params, "quota_status_nouser", "REJECT Unknown user",
        "What it answers for a recipient who is no user here."};
    conf::Param<std::string> quota_status_overquota{
        params, "quota_status_overquota", "",
        "What it answers for a recipient without room; by default 552 5.2.2 (with "
        "quota_full_tempfail 452 4.2.2) and quota_exceeded_message."};

    // local(8): commands, files and mailboxes of system users.
    conf::Param<std::string> default_privs{
        params, "default_privs", "nobody",
        "The user who aliases' commands run as, and who owns the files that they write to."};
    conf::PerService<conf::Seconds> command_time_limit{
        params,
        "command_time_limit",
        "_time_limit",
        conf::Seconds(1000),
        conf::at_least(conf::Seconds(1)),
        "How long a command may take for one message; then it is killed and the mail returned. "
        "A pipe transport may have a limit of its own."};
    conf::Param<int> command_output_limit{
        params, "command_output_limit", 2000, conf::Range<int>{0, 50000},
        "How much of what a command writes is kept, in bytes, for the log and the bounce."};
    conf::Param<std::string> command_expansion_filter{
        params, "command_expansion_filter", kPlainCharacters,
        "The characters that may stand in what a command finds in its environment; others become "
        "an underscore."};
    conf::Param<std::string> local_command_shell{
        params, "local_command_shell", "",
        "The shell that runs commands; by default /bin/sh, where one is needed at all."};
    conf::Param<conf::Raw> command_execution_directory{
        params, "command_execution_directory", "",
        "Where commands run ($home, $user …); by default in the queue directory."};
    conf::Param<std::string> execution_directory_expansion_filter{
        params, "execution_directory_expansion_filter", kPlainCharacters,
        "The characters that may stand in what command_execution_directory expands to."};
    conf::Param<conf::List> export_environment{
        params, "export_environment", "TZ MAIL_CONFIG LANG",
        "Environment variables that commands get as they are, or NAME=VALUE."};
    conf::Param<conf::Raw> mailbox_command{
        params, "mailbox_command", "",
        "A command that gets the mail of system users instead of their mailboxes."};
    conf::Param<conf::List> mailbox_command_maps{
        params, "mailbox_command_maps", "",
        "Tables with such a command for single users; they come before mailbox_command."};
    conf::Param<std::string> home_mailbox{
        params, "home_mailbox", "",
        "The mailbox of system users below their home; with / at the end a Maildir, otherwise a "
        "file in mbox format. By default it is where mail_location says."};
    conf::Param<std::string> mail_spool_directory{
        params, "mail_spool_directory", "",
        "The folder with one mailbox file a system user (/var/mail), or with / at the end one "
        "Maildir. By default their mail is where mail_location says."};
    conf::Param<conf::List> mailbox_delivery_lock{
        params, "mailbox_delivery_lock", "fcntl, dotlock",
        "How mailbox files are locked: fcntl, flock, dotlock."};
    conf::Param<int> deliver_lock_attempts{params, "deliver_lock_attempts", 20, conf::at_least(1),
                                           "How often a lock of a mailbox file is tried."};
    conf::Param<conf::Milliseconds> deliver_lock_delay{
        params, "deliver_lock_delay", conf::Milliseconds(1000),
        conf::at_least(conf::Milliseconds(1)),
        "The time between two attempts to lock a mailbox file."};
    conf::Param<conf::Seconds> stale_lock_time{params, "stale_lock_time", conf::Seconds(500),
                                               conf::at_least(conf::Seconds(1)),
                                               "A lock file that is older than this is removed."};
    conf::Param<conf::Size> mailbox_size_limit{
        params, "mailbox_size_limit", 51200000,
        "The largest mailbox file that mail is appended to, and the largest file in a Maildir of "
        "home_mailbox, mail_spool_directory or an alias, in bytes; 0 is no limit."};
    conf::Param<bool> strict_mailbox_ownership{params, "strict_mailbox_ownership", true,
                                               "Whether a mailbox file must be owned by its user."};
    conf::Param<std::string> mailbox_transport{
        params, "mailbox_transport", "",
        "transport:nexthop that gets the mail of all local names, known or not, which no alias and "
        "no ~/.forward sends elsewhere."};
    conf::Param<conf::List> mailbox_transport_maps{
        params, "mailbox_transport_maps", "",
        "Tables with such a transport for single users; they come before mailbox_transport."};
    conf::Param<std::string> fallback_transport{
        params, "fallback_transport", "",
        "transport:nexthop that gets the mail of names that are neither aliases nor users."};
    conf::Param<conf::List> fallback_transport_maps{
        params, "fallback_transport_maps", "",
        "Tables with such a transport for single names; they come before fallback_transport."};
    conf::Param<conf::Raw> luser_relay{
        params, "luser_relay", "",
        "The address ($user@other.example, $local, ...) that gets the mail of unknown names."};
    conf::Param<bool> require_home_directory{
        params, "require_home_directory", false,
        "Whether mail waits while the home directory of its user is not there."};
    conf::Param<conf::List> prepend_delivered_header{
        params, "prepend_delivered_header", "command, file, forward",
        "When mail of system users gets a Delivered-To: field, which ends loops: command, file, "
        "forward."};
    conf::Param<bool> frozen_delivered_to{
        params, "frozen_delivered_to", true,
        "Whether Delivered-To: names the recipient that the queue knows, rather than what aliases "
        "made of it."};
    conf::Param<conf::Raw> forward_path{
        params, "forward_path", "$home/.forward${recipient_delimiter}${extension}, $home/.forward",
        "The files that may redirect a user's mail; the first that is there counts."};
    conf::Param<std::string> forward_expansion_filter{
        params, "forward_expansion_filter", kPlainCharacters,
        "The characters that may stand in what forward_path expands to."};

    // virtual(8).
    conf::Param<std::string> virtual_mailbox_base{
        params, "virtual_mailbox_base", "",
        "The folder below which $virtual_mailbox_maps say where each mailbox is: a name with / at "
        "the end is a Maildir, any other a file in mbox format. Used when this or "
        "$virtual_uid_maps is set; otherwise virtual users are those that authd knows."};
    conf::Param<conf::List> virtual_mailbox_maps{params, "virtual_mailbox_maps", "",
                                                 "Tables with the mailboxes of virtual users."};
    conf::Param<conf::List> virtual_uid_maps{
        params, "virtual_uid_maps", "",
        "Tables with the numeric user id that owns the mailbox of a virtual user (static:5000)."};
    conf::Param<conf::List> virtual_gid_maps{
        params, "virtual_gid_maps", "",
        "Tables with the numeric group id that owns the mailbox of a virtual user."};
    conf::Param<int> virtual_minimum_uid{params, "virtual_minimum_uid", 100, conf::at_least(1),
                                         "The smallest user id that $virtual_uid_maps may give."};
    conf::Param<conf::Size> virtual_mailbox_limit{
        params, "virtual_mailbox_limit", 51200000,
        "The largest mailbox file, or file in a Maildir, of $virtual_mailbox_base, in bytes; 0 is "
        "no limit."};
    conf::Param<conf::List> virtual_mailbox_lock{
        params, "virtual_mailbox_lock", "fcntl, dotlock",
        "How mailbox files below $virtual_mailbox_base are locked: fcntl, flock, dotlock."};

    // What became of a delivery, in other words.
    conf::Param<conf::List> default_status_filter{
        params, "default_delivery_status_filter", "",
        "Tables that replace status and text of a delivery: \"5.1.1 text\"."};
    conf::Param<conf::List> local_status_filter{params, "local_delivery_status_filter",
                                                "$default_delivery_status_filter",
                                                "Such tables for deliveries to system users."};
    conf::Param<conf::List> virtual_status_filter{params, "virtual_delivery_status_filter",
                                                  "$default_delivery_status_filter",
                                                  "Such tables for deliveries to virtual users."};
    conf::Param<conf::List> pipe_status_filter{params, "pipe_delivery_status_filter",
                                               "$default_delivery_status_filter",
                                               "Such tables for deliveries to commands."};
    conf::Param<int> process_limit{
        params, "local_process_limit", 100, conf::Range<int>{1, 10000},
        "Processes that deliver as other users, or run a command, at a time."};
};

}  // namespace facteur::lmtp_local
