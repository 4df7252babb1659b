#include "smtp-client/filtered_resolver.h"

#include <fmt/format.h>

#include "lib/base/encoding.h"
#include "lib/base/log.h"
#include "lib/base/text.h"

namespace facteur::smtp_client {

std::string filter_text(const dns::Record& record) {
    std::string value = record.data + ".";
    if (record.type == dns::Type::a || record.type == dns::Type::aaaa)
        value = Address::from_bytes(record.data).ip();
    if (record.type == dns::Type::tlsa && record.data.size() > 3) {
        auto number = [&](std::size_t at) { return static_cast<unsigned char>(record.data[at]); };
        value = fmt::format("{} {} {} {}", number(0), number(1), number(2),
                            to_upper(hex_encode(std::string_view(record.data).substr(3))));
    }
    if (record.type == dns::Type::mx) value = fmt::format("{} {}", record.preference, value);
    if (record.type == dns::Type::srv)
        value = fmt::format("{} {} {} {}", record.preference, record.weight, record.port, value);
    return fmt::format("{}. {} IN {} {}", record.owner, record.ttl, dns::type_name(record.type),
                       value);
}

Task<Result<dns::Answer>> FilteredResolver::query(Scope& scope, std::string name, dns::Type type,
                                                  TimePoint deadline) {
    CO_TRY(dns::Answer answer, co_await inner_.query(scope, name, type, deadline));
    if (!answer.found()) co_return answer;
    std::vector<dns::Record> kept;
    for (dns::Record& record : answer.records) {
        CO_TRY(auto action,
               co_await lookups_.find(tables_, ipc::LookupKey::exact, filter_text(record)));
        bool ignored = action && iequals(trim(*action), "IGNORE");
        if (action && !ignored) {
            log_warning("smtp_dns_reply_filter: unknown action: " + printable(*action));
            co_return temporary("bad action in smtp_dns_reply_filter", "4.3.5");
        }
        if (!ignored) kept.push_back(std::move(record));
    }
    // Nothing left of something is no "no": the mail waits.
    if (kept.empty())
        co_return temporary("Name service error for name=" + name +
                                " type=" + std::string(dns::type_name(type)) +
                                ": DNS reply filter drops all "
                                "results",
                            "4.4.3");
    answer.records = std::move(kept);
    co_return answer;
}

}  // namespace facteur::smtp_client
