#include "addressd/mapping.h"

#include <algorithm>

#include "addressd/address_list.h"
#include "addressd/rewrite.h"
#include "lib/base/text.h"
#include "lib/smtp/address.h"

namespace facteur::addressd {

namespace {

bool holds(const std::vector<std::string>& classes, std::string_view name) {
    return std::find(classes.begin(), classes.end(), name) != classes.end();
}

}  // namespace

Mapping::Mapping(const Settings& settings, const Classes& classes, table::Tables& tables)
    : settings_(settings),
      classes_(classes),
      canonical_(tables, settings.canonical_maps()),
      sender_canonical_(tables, settings.sender_canonical_maps()),
      recipient_canonical_(tables, settings.recipient_canonical_maps()),
      virtual_alias_(tables, settings.virtual_alias_maps()),
      sender_bcc_(tables, settings.rewriting.sender_bcc_maps()),
      recipient_bcc_(tables, settings.rewriting.recipient_bcc_maps()) {}

bool Mapping::propagates(std::string_view kind) const {
    const auto& kinds = settings_.aliases.propagate_unmatched_extensions();
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

// The addresses in the table's result, complete; nothing when the table does not know it.
Task<Result<std::vector<std::string>>> Mapping::look_up(const table::Maps& maps,
                                                        std::string address, bool propagate) const {
    std::vector<std::string> results;
    CO_TRY(auto keys, co_await classes_.keys(address));
    CO_TRY(auto hit, co_await maps.search(std::move(keys)));
    if (!hit) co_return results;
    const auto parts = table::split_address(address, settings_.delimiters());
    for (const std::string& member : parse_address_list(hit->value)) {
        std::string result = smtp::to_internal(member);
        // "@old.example  @new.example" keeps the user.
        if (result.starts_with('@')) result.insert(0, local_part_of(address));
        result = rewrite(result, settings_);
        if (propagate && hit->key.without_extension && !parts.extension.empty())
            result.insert(at_sign(result), parts.extension);
        results.push_back(std::move(result));
    }
    co_return results;
}

// canonical(5): "the table is searched again until the result does not change".
Task<Result<std::string>> Mapping::canonical(const table::Maps& maps, std::string address) const {
    for (int round = 0; round < 10 && !maps.empty(); ++round) {
        CO_TRY(auto results, co_await look_up(maps, address, propagates("canonical")));
        if (results.empty() || iequals(results.front(), address)) break;
        address = std::move(results.front());
    }
    co_return address;
}

Task<Result<std::string>> Mapping::sender(std::string address) const {
    if (address.empty()) co_return address;
    const RewritingSettings& wishes = settings_.rewriting;
    address = rewrite(address, settings_);
    if (holds(wishes.sender_canonical_classes(), "envelope_sender")) {
        CO_TRY(address, co_await canonical(sender_canonical_, std::move(address)));
    }
    if (holds(wishes.canonical_classes(), "envelope_sender")) {
        CO_TRY(address, co_await canonical(canonical_, std::move(address)));
    }
    if (holds(wishes.masquerade_classes(), "envelope_sender"))
        address = masqueraded(std::move(address), settings_);
    co_return address;
}

/// As for envelopes; a user name alone gets the domain that the question has.
Task<Result<std::string>> Mapping::in_header(std::string address, bool is_sender,
                                             const ipc::RewriteHeader& question) const {
    const RewritingSettings& wishes = settings_.rewriting;
    const bool local = question.domain.empty();
    address = rewrite(address, settings_, local ? settings_.myorigin() : question.domain,
                      local ? settings_.mydomain() : question.domain);
    if (question.unmapped) co_return address;
    const std::string_view part = is_sender ? "header_sender" : "header_recipient";
    const table::Maps& own = is_sender ? sender_canonical_ : recipient_canonical_;
    const auto& classes =
        is_sender ? wishes.sender_canonical_classes() : wishes.recipient_canonical_classes();
    if (holds(classes, part)) {
        CO_TRY(address, co_await canonical(own, std::move(address)));
    }
    if (holds(wishes.canonical_classes(), part)) {
        CO_TRY(address, co_await canonical(canonical_, std::move(address)));
    }
    if (holds(wishes.masquerade_classes(), part))
        address = masqueraded(std::move(address), settings_);
    co_return address;
}

Task<Result<ipc::RewriteHeaderReply>> Mapping::header(ipc::RewriteHeader question) const {
    ipc::RewriteHeaderReply reply;
    for (const std::string& address : question.senders) {
        CO_TRY(std::string mapped, co_await in_header(address, true, question));
        reply.senders.push_back(std::move(mapped));
    }
    for (const std::string& address : question.recipients) {
        CO_TRY(std::string mapped, co_await in_header(address, false, question));
        reply.recipients.push_back(std::move(mapped));
    }
    co_return reply;
}

Task<Result<std::vector<std::string>>> Mapping::virtual_aliases(std::string address) const {
    struct Open {
        std::string address;
        int depth;
    };
    const auto limit = static_cast<std::size_t>(settings_.virtual_alias_expansion_limit());
    const auto longest = static_cast<std::size_t>(settings_.virtual_alias_address_length_limit());
    std::set<std::string> seen;
    std::vector<std::string> done;
    std::vector<Open> open;
    open.push_back(Open{std::move(address), 0});
    while (!open.empty()) {
        const Open next = std::move(open.back());
        open.pop_back();
        if (!seen.insert(to_lower(next.address)).second) continue;
        CO_TRY(auto results, co_await look_up(virtual_alias_, next.address, propagates("virtual")));
        if (results.empty()) {
            done.push_back(next.address);
            continue;
        }
        if (next.depth >= settings_.virtual_alias_recursion_limit())
            co_return permanent("virtual aliases nest too deeply", "5.4.6");
        // In reverse, so that they come off the back in the order of the table.
        for (auto result = results.rbegin(); result != results.rend(); ++result) {
            if (result->size() > longest)
                co_return permanent("a virtual alias makes the address too long", "5.4.6");
            const bool itself = iequals(*result, next.address);
            if (itself) done.push_back(*result);
            if (!itself) open.push_back(Open{std::move(*result), next.depth + 1});
        }
        if (done.size() + open.size() > limit)
            co_return permanent("a virtual alias has too many members", "5.4.6");
    }
    co_return done;
}

Task<Result<std::string>> Mapping::canonical_recipient(std::string address) const {
    const RewritingSettings& wishes = settings_.rewriting;
    CO_TRY(Place place, co_await classes_.locate(std::move(address)));
    std::string mapped = std::move(place.address);
    if (holds(wishes.recipient_canonical_classes(), "envelope_recipient")) {
        CO_TRY(mapped, co_await canonical(recipient_canonical_, std::move(mapped)));
    }
    if (holds(wishes.canonical_classes(), "envelope_recipient")) {
        CO_TRY(mapped, co_await canonical(canonical_, std::move(mapped)));
    }
    if (holds(wishes.masquerade_classes(), "envelope_recipient"))
        mapped = masqueraded(std::move(mapped), settings_);
    co_return mapped;
}

Task<Result<std::vector<std::string>>> Mapping::expanded(std::string address) const {
    if (!virtual_alias_.empty()) co_return co_await virtual_aliases(std::move(address));
    std::vector<std::string> single;
    single.push_back(std::move(address));
    co_return single;
}

Task<Result<std::vector<std::string>>> Mapping::recipient(std::string address) const {
    CO_TRY(std::string mapped, co_await canonical_recipient(std::move(address)));
    co_return co_await expanded(std::move(mapped));
}

Task<Result<std::vector<std::string>>> Mapping::copies(const table::Maps& maps,
                                                       std::string address) const {
    std::vector<std::string> found;
    if (maps.empty()) co_return found;
    CO_TRY(auto addresses, co_await look_up(maps, std::move(address), false));
    for (std::string& each : addresses) {
        CO_TRY(auto members, co_await expanded(std::move(each)));
        for (std::string& member : members)
            found.push_back(std::move(member));
    }
    co_return found;
}

// Postfix's cleanup(8) looks up what canonical mapping made of the recipient.
Task<Result<std::vector<std::string>>> Mapping::copies_for_recipient(std::string address) const {
    if (recipient_bcc_.empty()) co_return std::vector<std::string>();
    CO_TRY(std::string mapped, co_await canonical_recipient(std::move(address)));
    co_return co_await copies(recipient_bcc_, std::move(mapped));
}

Task<Result<std::vector<std::string>>> Mapping::copies_for_sender(std::string address) const {
    std::vector<std::string> found;
    if (!settings_.rewriting.always_bcc().empty()) {
        CO_TRY(found, co_await recipient(settings_.rewriting.always_bcc()));
    }
    // cleanup(8) does not look up the null sender, but always_bcc gets its mail.
    if (address.empty()) co_return found;
    CO_TRY(auto more, co_await copies(sender_bcc_, std::move(address)));
    for (std::string& each : more)
        found.push_back(std::move(each));
    co_return found;
}

}  // namespace facteur::addressd
