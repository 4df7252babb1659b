#pragma once

#include <set>
#include <string>

#include "addressd/settings.h"
#include "lib/ipc/ways/address.h"
#include "lib/table/maps.h"
#include "lib/table/match_list.h"

namespace facteur::addressd {

/// An address after rewriting, and what it is to this system.
struct Place {
    std::string address;
    ipc::AddressClass address_class = ipc::AddressClass::other;
};

/// Knows which domains are ours and which of their addresses exist (ADDRESS_CLASS_README).
class Classes {
public:
    Classes(const Settings& settings, table::Tables& tables);

    Task<Result<ipc::AddressClass>> of_domain(std::string domain) const;
    /// Mail for user%other@here is mail for user@other: only what is left decides.
    Task<Result<Place>> locate(std::string address) const;
    /// Whether tables may name the domain's users without their domain.
    Task<Result<bool>> is_own(std::string domain) const;
    /// Whether a canonical or virtual table turns it into something else.
    Task<Result<bool>> is_mapped(std::string address) const;
    /// Whether any table knows the address.
    Task<Result<bool>> exists(Place place) const;
    /// Tables are asked for parts of an address in this order.
    Task<Result<std::vector<table::Key>>> keys(std::string address) const;

private:
    Task<Result<bool>> is_local(std::string domain) const;
    const table::Maps* recipients_of(ipc::AddressClass address_class) const;

    const Settings& settings_;
    std::set<std::string> own_addresses_;
    table::MatchList mydestination_;
    table::MatchList virtual_alias_domains_;
    table::MatchList virtual_mailbox_domains_;
    table::MatchList relay_domains_;
    table::Maps canonical_;
    table::Maps recipient_canonical_;
    table::Maps virtual_alias_;
    table::Maps local_recipients_;
    table::Maps virtual_mailboxes_;
    table::Maps relay_recipients_;
};

}  // namespace facteur::addressd
