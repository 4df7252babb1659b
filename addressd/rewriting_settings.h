#pragma once

#include <string>

#include "lib/config/param.h"

namespace facteur::addressd {

/// What is done to addresses of envelopes beyond canonical and virtual tables.
struct RewritingSettings : conf::Section {
    explicit RewritingSettings(conf::Section& outer) : Section(outer) {}

    conf::Param<conf::List> canonical_classes{
        params, "canonical_classes",
        "envelope_sender, envelope_recipient, header_sender, header_recipient",
        "Which addresses $canonical_maps replace: envelope_sender, envelope_recipient.  Those in "
        "headers are left as they came, whether header_* is named or not."};
    conf::Param<conf::List> sender_canonical_classes{
        params, "sender_canonical_classes", "envelope_sender, header_sender",
        "Which addresses $sender_canonical_maps replace, as in $canonical_classes."};
    conf::Param<conf::List> recipient_canonical_classes{
        params, "recipient_canonical_classes", "envelope_recipient, header_recipient",
        "Which addresses $recipient_canonical_maps replace, as in $canonical_classes."};
    conf::Param<conf::List> masquerade_domains{
        params, "masquerade_domains", "",
        "Domains whose subdomains are taken off: user@host.example.com becomes "
        "user@example.com; !domain excepts one.  The first that matches counts."};
    conf::Param<conf::List> masquerade_exceptions{
        params, "masquerade_exceptions", "",
        "User names whose addresses $masquerade_domains leaves alone."};
    conf::Param<conf::List> masquerade_classes{
        params, "masquerade_classes", "envelope_sender, header_sender, header_recipient",
        "Which addresses $masquerade_domains changes, as in $canonical_classes."};
    conf::Param<std::string> always_bcc{
        params, "always_bcc", "",
        "An address that receives a copy of every message; notices with the null sender have "
        "none."};
    conf::Param<conf::List> sender_bcc_maps{
        params, "sender_bcc_maps", "",
        "Tables that give the address for a copy by the address of the sender."};
    conf::Param<conf::List> recipient_bcc_maps{
        params, "recipient_bcc_maps", "",
        "Tables that give the address for a copy by the address of a recipient."};
    conf::Param<bool> resolve_dequoted_address{
        params, "resolve_dequoted_address", true,
        "Look for @ in the local part of user@domain@here.example with its quotes taken off."};
    conf::Param<bool> resolve_numeric_domain{
        params, "resolve_numeric_domain", false,
        "Read user@192.0.2.1 as user@[192.0.2.1] rather than refuse it."};
    conf::Param<conf::List> relocated_maps{
        params, "relocated_maps", "",
        "Tables with the new addresses of users that have moved; mail for them is returned."};
};

/// How mail goes out when an address is only probed: each is what its namesake says unless set.
struct VerifySettings : conf::Section {
    explicit VerifySettings(conf::Section& outer) : Section(outer) {}

    conf::Param<std::string> local_transport{params, "address_verify_local_transport",
                                             "$local_transport",
                                             "$local_transport for address probes."};
    conf::Param<std::string> virtual_transport{params, "address_verify_virtual_transport",
                                               "$virtual_transport",
                                               "$virtual_transport for address probes."};
    conf::Param<std::string> relay_transport{params, "address_verify_relay_transport",
                                             "$relay_transport",
                                             "$relay_transport for address probes."};
    conf::Param<std::string> default_transport{params, "address_verify_default_transport",
                                               "$default_transport",
                                               "$default_transport for address probes."};
    conf::Param<std::string> relayhost{params, "address_verify_relayhost", "$relayhost",
                                       "$relayhost for address probes."};
    conf::Param<conf::List> transport_maps{params, "address_verify_transport_maps",
                                           "$transport_maps",
                                           "$transport_maps for address probes."};
    conf::Param<conf::List> sender_relayhost_maps{
        params, "address_verify_sender_dependent_relayhost_maps",
        "$sender_dependent_relayhost_maps", "$sender_dependent_relayhost_maps for address probes."};
    conf::Param<conf::List> sender_transport_maps{
        params, "address_verify_sender_dependent_default_transport_maps",
        "$sender_dependent_default_transport_maps",
        "$sender_dependent_default_transport_maps for address probes."};
};

}  // namespace facteur::addressd
