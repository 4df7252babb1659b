#include "smtp-client/offers.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/smtp/keywords.h"

namespace facteur::smtp_client {
namespace {

void take_mechanisms(std::string_view names, std::vector<std::string>& auth) {
    for (std::string_view name : words(names, " \t")) {
        std::string upper = to_upper(name);
        if (std::ranges::find(auth, upper) == auth.end()) auth.push_back(std::move(upper));
    }
}

void take_limits(std::string_view limits, Offers& offers) {
    const std::pair<std::string_view, std::uint64_t Offers::*> known[] = {
        {"RCPTMAX=", &Offers::most_recipients},
        {"RCPTDOMAINMAX=", &Offers::most_domains},
        {"MAILMAX=", &Offers::most_messages},
    };
    for (std::string_view limit : words(limits, " \t")) {
        for (const auto& [name, value] : known) {
            if (istarts_with(limit, name))
                offers.*value = parse_number(limit.substr(name.size())).value_or(0);
        }
    }
}

}  // namespace

Offers Offers::parse(std::string_view text, const std::vector<std::string>& discard) {
    Offers offers;
    const std::pair<std::string_view, bool Offers::*> flags[] = {
        {smtp::ehlo::kPipelining, &Offers::pipelining},
        {smtp::ehlo::kEightBitMime, &Offers::eight_bit_mime},
        {smtp::ehlo::kChunking, &Offers::chunking},
        {smtp::ehlo::kEnhancedStatus, &Offers::enhanced_status},
        {smtp::ehlo::kDsn, &Offers::dsn},
        {smtp::ehlo::kSmtpUtf8, &Offers::smtputf8},
        {smtp::ehlo::kStartTls, &Offers::starttls},
        {smtp::ehlo::kMtPriority, &Offers::mt_priority},
        {smtp::ehlo::kDeliverBy, &Offers::deliver_by},
        {smtp::ehlo::kRequireTls, &Offers::requiretls},
    };
    auto lines = split(text, '\n');
    for (std::size_t i = 1; i < lines.size(); ++i) {  // the first one is the server's name
        std::string_view rest = trim(lines[i]);
        // "AUTH=LOGIN" is how servers spoke to old clients; the same words follow "AUTH " too.
        std::string_view keyword = rest.substr(0, rest.find_first_of(" \t="));
        rest.remove_prefix(std::min(rest.size(), keyword.size() + 1));
        auto same = [&](std::string_view word) { return iequals(word, keyword); };
        if (std::ranges::any_of(discard, same)) continue;
        for (const auto& [name, flag] : flags) {
            if (same(name)) offers.*flag = true;
        }
        if (same(smtp::ehlo::kSize)) {
            offers.size = true;
            offers.size_limit = parse_number(trim(rest)).value_or(0);
        } else if (same(smtp::ehlo::kDeliverBy)) {
            offers.least_time = parse_number(trim(rest)).value_or(0);
        } else if (same(smtp::ehlo::kAuth)) {
            take_mechanisms(rest, offers.auth);
        } else if (same("XFORWARD")) {
            take_mechanisms(rest, offers.xforward);
        } else if (same("LIMITS")) {
            take_limits(rest, offers);
        }
    }
    return offers;
}

}  // namespace facteur::smtp_client
