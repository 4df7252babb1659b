#pragma once

#include <chrono>

#include "lib/config/common.h"
#include "lib/config/message_settings.h"
#include "lib/config/per_service.h"
#include "qmgr/growth.h"
#include "qmgr/notice.h"
#include "qmgr/template.h"

namespace facteur::qmgr {

using conf::Seconds;
using namespace std::chrono_literals;

/// What senders and the postmaster are told.
struct NoticeSettings : conf::Section {
    explicit NoticeSettings(Section& outer) : Section(outer) {}
    /// Reads bounce_template_file.
    void read_templates(const conf::Values& values);
    const Template& words_for(NoticeKind kind) const;

    conf::Param<Seconds> delay_warning{
        params, "delay_warning_time", conf::Default("0h"), conf::at_least(Seconds(0)).in('h'),
        "After this time the sender is told that a message is late; 0 is never."};
    conf::Param<bool> confirm_delay_cleared{
        params, "confirm_delay_cleared", false,
        "Whether who was told that a message is late is told, too, when it is delivered."};
    conf::Param<conf::Size> bounce_size_limit{params, "bounce_size_limit", 50000,
                                              "A larger message is returned as its header only."};
    conf::Param<conf::List> notify_classes{
        params, "notify_classes", "resource, software",
        "What the postmaster is told about: bounce and delay (copies of what senders are told, "
        "with the header of the message only), 2bounce (what cannot be returned)."};
    conf::Param<std::string> double_bounce_sender{
        params, "double_bounce_sender", "double-bounce",
        "The sender of notices to the postmaster; what cannot be delivered for it is dropped."};
    conf::Param<std::string> double_bounce_notice_recipient{
        params, "2bounce_notice_recipient", "postmaster",
        "Who receives what could not be returned to its sender."};
    conf::Param<std::string> bounce_notice_recipient{
        params, "bounce_notice_recipient", "postmaster",
        "Who receives copies of returned mail, when notify_classes has bounce."};
    conf::Param<std::string> delay_notice_recipient{
        params, "delay_notice_recipient", "postmaster",
        "Who receives copies of delay warnings, when notify_classes has delay."};
    conf::Param<std::string> template_file{
        params, "bounce_template_file", "",
        "A file with other words for notifications, in the format of Postfix's bounce(5)."};

private:
    Templates templates_;
};

/// How much goes at once, and what goes first; each also for a transport by itself.
struct SchedulerSettings : conf::Section {
    explicit SchedulerSettings(Section& outer) : Section(outer) {}
    conf::PerService<int> initial_concurrency{
        params,
        "initial_destination_concurrency",
        "_initial_destination_concurrency",
        5,
        conf::at_least(1),
        "Deliveries to a destination that begin at the same time before any has succeeded."};
    conf::PerService<int> concurrency_limit{
        params,
        "default_destination_concurrency_limit",
        "_destination_concurrency_limit",
        20,
        conf::at_least(0),
        "Deliveries to one destination at the same time; 0 is no limit."};
    conf::PerService<int> recipient_limit{
        params,
        "default_destination_recipient_limit",
        "_destination_recipient_limit",
        50,
        conf::at_least(0),
        "Recipients in one delivery; 0 is no limit.  With 1, each recipient is a destination of "
        "its own for the other limits."};
    conf::PerService<Growth> positive_feedback{
        params, "default_destination_concurrency_positive_feedback",
        "_destination_concurrency_positive_feedback", "1",
        "How much each success raises the concurrency of a destination."};
    conf::PerService<Growth> negative_feedback{
        params, "default_destination_concurrency_negative_feedback",
        "_destination_concurrency_negative_feedback", "1",
        "How much each delivery that did not reach the destination lowers its concurrency."};
    conf::PerService<int> cohort_failures{
        params,
        "default_destination_concurrency_failed_cohort_limit",
        "_destination_concurrency_failed_cohort_limit",
        1,
        conf::at_least(0),
        "Rounds of failed deliveries after which a destination is left alone for "
        "minimal_backoff_time; 0 is never."};
    conf::PerService<Seconds> destination_rate_delay{
        params, "default_destination_rate_delay", "_destination_rate_delay", 0s,
        "The pause after a delivery to a destination before the next one to it, which then has no "
        "other at the same time."};
    conf::PerService<Seconds> transport_rate_delay{
        params, "default_transport_rate_delay", "_transport_rate_delay", 0s,
        "The pause after a delivery before the next one by the same transport, which then has no "
        "other at the same time."};
    conf::PerService<int> slot_cost{
        params,
        "default_delivery_slot_cost",
        "_delivery_slot_cost",
        5,
        conf::at_least(0),
        "So many deliveries of a message earn it a slot, in which a younger message with fewer "
        "deliveries may overtake it; 0 and 1 are never."};
    conf::PerService<int> slot_loan{
        params,
        "default_delivery_slot_loan",
        "_delivery_slot_loan",
        3,
        conf::at_least(0),
        "Slots on credit: so much is overtaken before anything is earned."};
    conf::PerService<int> slot_discount{
        params,
        "default_delivery_slot_discount",
        "_delivery_slot_discount",
        50,
        conf::Range<int>{0, 100},
        "The percentage of the slots for an overtaking message that may still be missing."};
    conf::PerService<int> least_slots{
        params,
        "default_minimum_delivery_slots",
        "_minimum_delivery_slots",
        3,
        conf::at_least(0),
        "A message that cannot earn so many slots is too small to be overtaken."};
};

struct Settings : conf::Common {
    void loaded(const conf::MainCf&, const conf::Values& values) override {
        notices.read_templates(values);
    }
    conf::Param<conf::Size> queue_minfree{
        params, "queue_minfree", 0,
        "Bytes that must stay free in the file system of the queue, or no mail is accepted."};
    conf::Param<std::int64_t> message_limit{
        params, "queue_message_limit", 0, conf::at_least<std::int64_t>(0),
        "With more messages in the queue new mail is refused for a while (452 4.3.1); 0 is no "
        "limit."};
    conf::Param<Seconds> slow_disk{
        params, "queue_commit_time_limit", 10s, conf::at_least(0s),
        "When the disk takes longer than this to store a message, new mail is refused for a while "
        "(452 4.3.1); 0 is never."};
    conf::Param<conf::Size> journal_segment_size{
        params, "queue_journal_segment_size", 16 << 20,
        conf::between<std::uint64_t>(1 << 20, 1 << 30),
        "The size of one segment of the journal; at least eight of the largest messages in it."};
    conf::Param<int> journal_segments{
        params, "queue_journal_segments", 8, conf::Range<int>{2, 10000},
        "With more segments in use, messages that wait are moved to deferred/."};
    conf::Param<int> active_limit{
        params, "qmgr_message_active_limit", 20000, conf::at_least(1),
        "Messages that are being delivered at the same time; the others wait on the disk."};
    conf::Param<int> recipient_limit{params, "qmgr_message_recipient_limit", 200000,
                                     conf::at_least(1),
                                     "Recipients of one message that the queue accepts."};
    conf::Param<int> held_contents{params, "qmgr_content_count_limit", 400, conf::at_least(0),
                                   "Contents of accepted messages that are kept open for their "
                                   "delivery; others are read again."};
    conf::Param<conf::Size> held_bytes{
        params, "qmgr_content_memory_limit", 64 << 20,
        "Memory for the contents that are kept open for their delivery."};
    conf::Param<int> waiting_in_journal{
        params, "qmgr_journal_waiting_limit", 10000, conf::at_least(0),
        "Messages that may wait for another attempt in the journal before they get a file."};
    conf::Param<Seconds> minimal_backoff{
        params, "minimal_backoff_time", 300s, conf::at_least(1s),
        "The least time between two attempts to deliver a message, or to reach a destination."};
    conf::Param<Seconds> maximal_backoff{
        params, "maximal_backoff_time", 4000s, conf::at_least(1s),
        "The longest time between two attempts to deliver a message."};
    conf::Param<Seconds> run_delay{
        params, "queue_run_delay", 300s, conf::at_least(1s),
        "How often maildrop/ is looked through for what was not announced."};
    conf::Param<Seconds> lifetime{
        params, "maximal_queue_lifetime", conf::Default("5d"), conf::at_least(Seconds(0)).in('d'),
        "How long a message is tried before it is returned as undeliverable; 0 is one attempt."};
    conf::Param<Seconds> bounce_lifetime{params, "bounce_queue_lifetime", conf::Default("5d"),
                                         conf::at_least(Seconds(0)).in('d'),
                                         "The same for bounces."};
    conf::Param<Seconds> takeover_delay{
        params, "queue_takeover_delay", 2s, conf::at_least(0s),
        "How long qmgr, when it has started, leaves alone what was in the queue: delivery agents "
        "of an earlier configuration that still work on it make themselves known meanwhile."};
    conf::MessageSettings message{*this};
    conf::Param<std::string> default_filter_nexthop{
        params, "default_filter_nexthop", "",
        "The next hop of a content filter that is named without one; empty: the recipient's "
        "domain."};
    conf::Param<conf::List> overrides{
        params, "receive_override_options", "",
        "What is left out for mail from sendmail(1), and in a service of smtpd with -o for what "
        "comes in there: no_address_mappings, no_header_body_checks, no_milters, and "
        "no_unknown_recipient_checks in smtpd."};
    conf::Param<conf::List> internal_filter_classes{
        params, "internal_mail_filter_classes", "",
        "Which of our own mail header_checks, body_checks and $non_smtpd_milters see: bounce "
        "(to senders), notify (to the postmaster)."};
    conf::Param<int> probe_limit{
        params, "address_verify_pending_request_limit", 5000, conf::at_least(1),
        "Addresses that are probed at the same time; more are told to ask again later."};
    NoticeSettings notices{*this};
    SchedulerSettings scheduler{*this};
    conf::Param<conf::List> defer_transports{
        params, "defer_transports", "",
        "Transports by which nothing is delivered until they are no longer listed here."};
    conf::Param<Seconds> transport_patience{
        params, "transport_retry_time", 60s, conf::at_least(1s),
        "How long mail is kept from a delivery agent that does not answer."};
};

}  // namespace facteur::qmgr
