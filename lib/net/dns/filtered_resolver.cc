#include "lib/net/dns/filtered_resolver.h"

#include <fmt/format.h>

#include "lib/base/encoding.h"
#include "lib/base/log.h"
#include "lib/base/text.h"

namespace facteur::dns {

std::string filter_text(const Record& record) {
    std::string value = record.data + ".";
    if (record.type == Type::txt) value = record.data;
    if (record.type == Type::a || record.type == Type::aaaa)
        value = Address::from_bytes(record.data).ip();
    if (record.type == Type::tlsa && record.data.size() > 3) {
        auto number = [&](std::size_t at) { return static_cast<unsigned char>(record.data[at]); };
        value = fmt::format("{} {} {} {}", number(0), number(1), number(2),
                            to_upper(hex_encode(std::string_view(record.data).substr(3))));
    }
    if (record.type == Type::mx) value = fmt::format("{} {}", record.preference, value);
    if (record.type == Type::srv)
        value = fmt::format("{} {} {} {}", record.preference, record.weight, record.port, value);
    return fmt::format("{}. {} IN {} {}", record.owner, record.ttl, type_name(record.type), value);
}

Task<Result<Answer>> FilteredResolver::query(Scope& scope, std::string name, Type type,
                                             TimePoint deadline) {
    CO_TRY(Answer answer, co_await inner_.query(scope, name, type, deadline));
    if (!answer.found()) co_return answer;
    std::vector<Record> kept;
    for (Record& record : answer.records) {
        CO_TRY(auto action, co_await ask_(filter_text(record)));
        bool ignored = action && iequals(trim(*action), "IGNORE");
        if (action && !ignored) {
            log_warning(parameter_ + ": unknown action: " + printable(*action));
            co_return temporary("bad action in " + parameter_, "4.3.5");
        }
        if (!ignored) kept.push_back(std::move(record));
    }
    // Nothing left of something is no "no": the mail waits.
    if (kept.empty())
        co_return temporary("Name service error for name=" + name +
                                " type=" + std::string(type_name(type)) +
                                ": DNS reply filter drops all "
                                "results",
                            "4.4.3");
    answer.records = std::move(kept);
    co_return answer;
}

}  // namespace facteur::dns
