// What the right-hand side of an access table comes to (access(5)).
#include <chrono>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/smtp/address.h"
#include "lib/smtp/domain.h"
#include "lib/smtp/status.h"
#include "smtpd/gate.h"
#include "smtpd/policy_service.h"

namespace facteur::smtpd {

namespace {

bool is_number(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// RFC 3463 section 3.2 has other details for the address of a sender than for that of a recipient;
/// a table that both may ask has only one of them.
std::string fitting(std::string_view status, Stage stage) {
    std::string fixed(status);
    const bool is_sender = stage == Stage::sender;
    if (!status.substr(1).starts_with(".1.")) return fixed;
    // There is no address here that could be bad.
    if (!is_sender && stage != Stage::recipient) return fixed.replace(1, std::string::npos, ".0.0");
    struct Detail {
        std::string_view given, sender, recipient;
    };
    static constexpr Detail kDetails[] = {
        {"1", "0", "1"}, {"2", "8", "2"}, {"3", "7", "3"}, {"4", "0", "4"},
        {"5", "0", "5"}, {"6", "0", "6"}, {"7", "7", "3"}, {"8", "8", "2"},
    };
    std::string_view detail = "0";
    for (const Detail& known : kDetails) {
        if (known.given == status.substr(4)) detail = is_sender ? known.sender : known.recipient;
    }
    return fixed.replace(4, std::string::npos, detail);
}

/// "5.7.1 Go away": the table's own status when it gives one that fits.
Ruling with_text(int code, std::string_view status, Stage stage, const Facts& facts,
                 std::string_view text) {
    const std::string_view own = smtp::take_status(text, code);
    if (!own.empty()) status = own;
    if (text.empty()) text = code >= 500 ? "Access denied" : "Try again later";
    return refuse(code, fitting(status, stage), rejected(stage, facts, text));
}

}  // namespace

/// The actions that decide; nothing: it is none of these.
std::optional<Ruling> Gate::verdict(std::string_view word, std::string_view text, Stage stage,
                                    Facts& facts) const {
    const RestrictionSettings& settings = settings_.restrictions;
    if (word == "OK") return permit();
    if (word == "DUNNO") return Ruling();
    if (word == "REJECT") return with_text(settings.access_code(), "5.7.1", stage, facts, text);
    if (word == "DEFER")
        return with_text(settings.access_defer_code(), "4.7.1", stage, facts, text);
    if (word == "DEFER_IF_PERMIT" || word == "DEFER_IF_REJECT") {
        if (text.empty()) text = "Service unavailable";
        Ruling later = with_text(settings.access_defer_code(), "4.7.1", stage, facts, text);
        auto& kept = word == "DEFER_IF_PERMIT" ? facts.defer_if_permit : facts.defer_if_reject;
        if (!kept) kept.emplace(std::move(later.reply));
        return Ruling();
    }
    if (!is_number(word)) return std::nullopt;
    const bool refuses = word.size() == 3 && (word[0] == '4' || word[0] == '5') && !text.empty();
    if (!refuses) return permit();  // a number alone, as POP-before-SMTP daemons write it
    const int code = static_cast<int>(parse_number(word).value_or(554));
    return with_text(code, code >= 500 ? "5.7.1" : "4.7.1", stage, facts, text);
}

Task<Ruling> Gate::action(std::string value, Stage stage, Facts& facts) {
    std::string_view rest = trim(value);
    const std::string_view all = rest;
    const std::string word = to_upper(take_word(rest));
    if (auto ruling = verdict(word, rest, stage, facts)) {
        if (ruling->kind == Ruling::Kind::permit) log_permit(word, stage, facts);
        co_return *std::move(ruling);
    }
    if (take_effect(word, rest, stage, facts)) co_return Ruling();
    auto list = parse_restrictions(conf::parse_list(all), settings_.restrictions.classes());
    if (!list) {
        log_warning("access table: " + list.error().text);
        co_return refuse(451, "4.3.5", "Server configuration error");
    }
    ++facts.depth;
    Ruling ruling = co_await run(*list, stage, facts);
    --facts.depth;
    co_return ruling;
}

Task<Ruling> Gate::restriction_class(const Restriction& restriction, Stage stage, Facts& facts) {
    const auto& lists = settings_.restrictions.class_lists;
    const auto list = lists.find(restriction.argument);
    Ruling ruling;
    if (list == lists.end()) co_return ruling;
    ++facts.depth;
    ruling = co_await run(list->second, stage, facts);
    --facts.depth;
    co_return ruling;
}

/// The policy delegation protocol: what the server answers is done as if a table said it.
Task<Ruling> Gate::policy_service(const Restriction& restriction, Stage stage, Facts& facts) {
    auto service = PolicyService::parse(restriction.argument, settings_.policy);
    if (!service) {
        log_warning(service.error().text);
        co_return refuse(451, "4.3.5", "Server configuration error");
    }
    ipc::Delegate question = std::move(service->question);
    question.attributes = policy_attributes(facts, service->context);
    const std::string server = question.server;
    Result<std::string> answer = co_await backend_.delegate(std::move(question));
    ++facts.depth;
    Ruling ruling;
    if (answer) {
        ruling = co_await action(*std::move(answer), stage, facts);
    } else {
        log_warning("policy server " + server + ": " + answer.error().text);
        // A default action that asks a server which fails too is not asked what to do again.
        const bool again = std::exchange(facts.policy_failed, true);
        std::string otherwise =
            again ? "451 4.3.5 Server configuration problem" : std::move(service->default_action);
        ruling = co_await action(std::move(otherwise), stage, facts);
        facts.policy_failed = again;
    }
    --facts.depth;
    co_return ruling;
}

}  // namespace facteur::smtpd
