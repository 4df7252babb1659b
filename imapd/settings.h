#pragma once

#include "lib/config/common.h"
#include "lib/login/mailbox_settings.h"
#include "lib/login/settings.h"

namespace facteur::imapd {

/// Parameters of both stages.
struct Settings : conf::Common {
    login::Settings login{*this, "imapd"};
    login::MailboxSettings mailbox{*this, "imapd"};
    conf::Param<conf::Seconds> timeout{
        params, "imapd_timeout", conf::Seconds(1800), conf::at_least(conf::Seconds(1)),
        "How long a client may be silent before it is logged out; RFC 3501 section 5.4 asks for at "
        "least 30 minutes."};
    conf::Param<conf::Seconds> write_timeout{
        params, "imapd_write_timeout", conf::Seconds(300), conf::at_least(conf::Seconds(1)),
        "How long a client may take to receive the next block of an answer."};
    conf::Param<conf::Seconds> idle_notify_interval{
        params, "imap_idle_notify_interval", conf::Seconds(120), conf::at_least(conf::Seconds(1)),
        "How often a client in IDLE is told that the server is still there, so that routers keep "
        "the connection."};
    conf::Param<conf::Seconds> progress_interval{
        params, "imapd_progress_interval", conf::Seconds(10), conf::at_least(conf::Seconds(1)),
        "How often a client that waits for a long SEARCH, SORT or THREAD is told how far it has "
        "come."};
    conf::Param<conf::Size> max_line_length{
        params, "imap_max_line_length", 65536, conf::at_least<std::uint64_t>(1024),
        "The longest command, in bytes, its literals included, but not a message of APPEND."};
    conf::Param<conf::Size> append_limit{params, "imapd_append_limit", 64 << 20,
                                         conf::at_least<std::uint64_t>(1024),
                                         "The largest message that APPEND accepts."};
    conf::Param<conf::Size> append_command_limit{
        params, "imapd_append_command_limit", 256 << 20, conf::at_least<std::uint64_t>(1024),
        "The largest size of all messages together that one APPEND command brings."};
    conf::Param<int> append_messages_limit{params, "imapd_append_messages_limit", 1000,
                                           conf::at_least(1),
                                           "The largest number of messages in one APPEND command."};
    conf::Param<int> bad_command_limit{params, "imapd_bad_command_limit", 20, conf::at_least(1),
                                       "So many invalid commands in succession end the session."};
    conf::Param<int> fetch_item_limit{params, "imapd_fetch_item_limit", 200, conf::at_least(1),
                                      "The largest number of items in one FETCH command."};
    conf::Param<int> search_key_limit{params, "imapd_search_key_limit", 1000, conf::at_least(1),
                                      "The largest number of keys in one SEARCH command."};
    conf::Param<int> list_pattern_limit{params, "imapd_list_pattern_limit", 100, conf::at_least(1),
                                        "The largest number of patterns in one LIST command."};
    conf::Param<int> message_limit{
        params, "imapd_message_limit", 0, conf::at_least(0),
        "How many messages one FETCH, SEARCH, STORE, COPY, MOVE, UID EXPUNGE or APPEND handles "
        "(RFC 9738); 0 means all."};
    conf::Param<int> notify_mailbox_limit{
        params, "imapd_notify_mailbox_limit", 1000, conf::at_least(1),
        "How many mailboxes one client may be notified of (RFC 5465)."};
    conf::Param<int> context_limit{
        params, "imapd_context_limit", 10, conf::at_least(0),
        "How many searches of one client may go on at a time (RFC 5267)."};
    conf::Param<int> context_sort_limit{
        params, "imapd_context_sort_limit", 10000, conf::at_least(0),
        "How many messages a sorted result may have whose changes are told (RFC 5267)."};
    conf::Param<int> metadata_entry_limit{
        params, "imapd_metadata_entry_limit", 500, conf::at_least(1),
        "The largest number of annotations of one mailbox (RFC 5464)."};
    conf::Param<conf::Size> metadata_value_limit{params, "imapd_metadata_value_limit", 65536,
                                                 conf::at_least<std::uint64_t>(1024),
                                                 "The largest annotation, in bytes."};
    conf::Param<int> search_depth_limit{
        params, "imapd_search_depth_limit", 32, conf::between(1, 200),
        "How deep the parentheses, NOT and OR of one SEARCH command may be nested."};
};

}  // namespace facteur::imapd
