#pragma once

#include <functional>
#include <optional>
#include <string>

#include "lib/net/dns/resolver.h"

namespace facteur::dns {

/// A name service without the records that a table says IGNORE to (smtp_dns_reply_filter,
/// smtpd_dns_reply_filter).
class FilteredResolver : public Resolver {
public:
    /// What the table says of a record's text; the parameter is named in warnings.
    using Ask = std::function<Task<Result<std::optional<std::string>>>(std::string)>;
    FilteredResolver(Resolver& inner, std::string parameter, Ask ask)
        : inner_(inner), parameter_(std::move(parameter)), ask_(std::move(ask)) {}
    Task<Result<Answer>> query(Scope& scope, std::string name, Type type,
                               TimePoint deadline = kNever) override;

private:
    Resolver& inner_;
    const std::string parameter_;
    Ask ask_;
};

/// "mx.example.com. 300 IN MX 10 a.example.com.": what the tables are asked for.
std::string filter_text(const Record& record);

}  // namespace facteur::dns
