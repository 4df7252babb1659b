#pragma once

#include <string>

#include "lib/config/param.h"

namespace facteur::addressd {

/// What is done to addresses beyond canonical and virtual tables.
struct RewritingSettings : conf::Section {
    explicit RewritingSettings(conf::Section& outer) : Section(outer) {}

    conf::Param<conf::List> canonical_classes{
        params, "canonical_classes",
        "envelope_sender, envelope_recipient, header_sender, header_recipient",
        "Which addresses $canonical_maps replace: envelope_sender, envelope_recipient, and in the "
        "headers of what $local_header_rewrite_clients send header_sender, header_recipient."};
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
        "An address that receives a copy of every message that comes in; what aliases send on, and "
        "notices that are made here, have none."};
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

/// The Sender Rewriting Scheme, with the settings of postsrsd.
struct SrsSettings : conf::Section {
    explicit SrsSettings(conf::Section& outer) : Section(outer) {}

    conf::Param<std::string> domain{
        params, "srs_domain", "",
        "The domain of the senders (SRS0=...@domain) that forwarded mail has on its way to other "
        "hosts when its sender is not ours; its mail must come here. Empty: none is rewritten."};
    conf::Param<std::string> secrets_file{
        params, "srs_secrets_file", "$config_directory/srs.secrets",
        "A file with one secret a line: the first signs, all are believed. It is read at start and "
        "reload."};
    conf::Param<conf::List> exclude_domains{
        params, "srs_exclude_domains", "",
        "Domains (.domain with its subdomains) whose senders are left alone although they are not "
        "ours."};
    conf::Param<std::string> separator{params, "srs_separator", "=",
                                       "What stands behind SRS0 and SRS1: =, + or -."};
    conf::Param<int> hash_length{params, "srs_hash_length", 4, conf::Range<int>{4, 28},
                                 "How many characters of the hash an SRS address has."};
    conf::Param<int> hash_minimum{params, "srs_hash_minimum", 4, conf::Range<int>{4, 28},
                                  "An SRS address with a shorter hash is refused."};
    conf::Param<conf::Seconds> max_age{
        params, "srs_max_age", conf::Seconds(21 * 86400), conf::at_least(conf::Seconds(86400)),
        "For how long bounces may come back to an SRS address; at most 1023 days."};
    conf::Param<bool> always_rewrite{params, "srs_always_rewrite", false,
                                     "Whether mail that is only relayed gets an SRS sender, too."};
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
