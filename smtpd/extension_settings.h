#pragma once

#include "lib/config/common.h"

namespace facteur::smtpd {

/// SMTP extensions that Postfix does not have; each is offered only where it is switched on.
struct ExtensionSettings : conf::Section {
    explicit ExtensionSettings(Section& outer) : Section(outer) {}
    conf::Param<bool> mt_priority{
        params, "smtpd_mt_priority_enable", false,
        "Whether MT-PRIORITY is offered (RFC 6710): clients may ask for mail to go sooner or "
        "later."};
    conf::Param<std::string> mt_priority_profile{
        params, "smtpd_mt_priority_profile", "",
        "The name of the priority profile that EHLO tells; empty is the default one, MIXER."};
    conf::Param<conf::List> mt_priority_clients{
        params, "smtpd_mt_priority_clients", "permit_mynetworks, permit_sasl_authenticated",
        "Who may ask for more than the normal priority: permit_inet_interfaces, "
        "permit_mynetworks, permit_sasl_authenticated; mail of others has priority 0 at most."};
    conf::Param<bool> deliver_by{
        params, "smtpd_deliverby_enable", false,
        "Whether DELIVERBY is offered (RFC 2852): clients may say until when mail is to be "
        "delivered, and that they hear of it, or get it back, when it is late."};
    conf::Param<conf::Seconds> deliver_by_minimum{
        params, "smtpd_deliverby_minimum", conf::Seconds(0), conf::at_least(conf::Seconds(0)),
        "The least time that DELIVERBY takes for mail that is to be returned; EHLO tells it."};
    conf::Param<bool> future_release{
        params, "smtpd_futurerelease_enable", false,
        "Whether FUTURERELEASE is offered (RFC 4865): clients that have authenticated may say "
        "when mail is to leave."};
    conf::Param<conf::Seconds> future_release_limit{
        params, "smtpd_futurerelease_limit", conf::Default("30d"),
        conf::at_least(conf::Seconds(1)).in('d'),
        "For how long FUTURERELEASE may hold mail back; EHLO tells it."};
};

}  // namespace facteur::smtpd
