#pragma once

#include <string>
#include <vector>

#include "lib/net/dns/resolver.h"
#include "smtp-client/lookups.h"

namespace facteur::smtp_client {

/// A name service without the records that smtp_dns_reply_filter says IGNORE to.
class FilteredResolver : public dns::Resolver {
public:
    FilteredResolver(dns::Resolver& inner, Lookups& lookups, std::vector<std::string> tables)
        : inner_(inner), lookups_(lookups), tables_(std::move(tables)) {}
    Task<Result<dns::Answer>> query(Scope& scope, std::string name, dns::Type type,
                                    TimePoint deadline = kNever) override;

private:
    dns::Resolver& inner_;
    Lookups& lookups_;
    std::vector<std::string> tables_;
};

/// "mx.example.com. 300 IN MX 10 a.example.com.": what the tables are asked for.
std::string filter_text(const dns::Record& record);

}  // namespace facteur::smtp_client
