// What becomes of each recipient: kept until it is final, then logged and reported.
#include <algorithm>

#include <fmt/format.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/smtp/address.h"
#include "lib/smtp/status.h"
#include "lib/spool/delays.h"
#include "smtp-client/delivery.h"

namespace facteur::smtp_client {

void Delivery::apply(const Conversation& conversation, std::vector<std::size_t> asked,
                     std::vector<Verdict> verdicts) {
    bool refused_ipv6 = false;
    for (std::size_t k = 0; k < asked.size(); ++k) {
        const Verdict& verdict = verdicts[k];
        if (verdict.kind != Verdict::Kind::unsettled) {
            reached_ = true;
            answered_ = conversation.target().address;
        }
        ipc::RecipientResult result;
        result.index = job_.recipients[asked[k]].index;
        result.relay = conversation.target().relay();
        if (verdict.kind == Verdict::Kind::accepted) {
            result.outcome = ipc::Outcome::delivered;
            result.status = verdict.reply.status.empty() ? "2.0.0" : verdict.reply.status;
            result.text = smtp::to_line(verdict.reply);
            result.remote_mta = "dns; " + conversation.target().name;
            result.diagnostic = "smtp; " + result.text;
            result.dsn_passed_on = conversation.dsn_offered();
            // LMTP may answer for the mailbox itself (RFC 2033 section 4.2), or for a filter.
            const bool is_final =
                conversation.manner().protocol == Protocol::lmtp && around_.settings.assume_final();
            result.handed_on = !result.dsn_passed_on && !is_final;
            result.by_passed_on = conversation.deliver_by_offered();
            settle(asked[k], std::move(result));
            continue;
        }
        result.status = verdict.trouble.status;
        result.text = verdict.trouble.text;
        result.remote_mta = verdict.trouble.remote_mta;
        result.diagnostic = verdict.trouble.diagnostic;
        bool permanent = verdict.trouble.permanent && verdict.kind == Verdict::Kind::refused;
        result.outcome = permanent ? ipc::Outcome::failed : ipc::Outcome::deferred;
        bool over_ipv4 = permanent && blames_ipv6(conversation.target(), verdict.trouble);
        refused_ipv6 = refused_ipv6 || over_ipv4;
        // What was lost at the final dot may have arrived: trying the next server at once would
        // make a second copy likely.
        const bool elsewhere = over_ipv4 || verdict.trouble.elsewhere;
        if ((permanent && !elsewhere) || verdict.ambiguous) {
            settle(asked[k], std::move(result));
        } else {
            latest_[asked[k]] = std::move(result);
        }
    }
    if (refused_ipv6) avoid_ipv6(conversation.target());
}

void Delivery::trouble_for_all(const Trouble& trouble, const std::string& relay) {
    for (std::size_t i : pending_) {
        ipc::RecipientResult& result = latest_[i];
        result.outcome = trouble.permanent ? ipc::Outcome::failed : ipc::Outcome::deferred;
        result.status = trouble.status;
        result.text = trouble.text;
        result.remote_mta = trouble.remote_mta;
        result.diagnostic = trouble.diagnostic;
        result.relay = relay;
    }
}

void Delivery::settle(std::size_t recipient, ipc::RecipientResult result) {
    std::erase(pending_, recipient);
    settled_.emplace_back(recipient, std::move(result));
}

/// Logs what is final; before that smtp_delivery_status_filter may put it in other words.
Task<void> Delivery::tell_settled() {
    auto settled = std::move(settled_);
    settled_.clear();
    for (auto& [recipient, result] : settled) {
        const auto& tables = around_.settings.status_filter();
        if (!tables.empty()) {
            auto found = co_await around_.lookups.find(tables, ipc::LookupKey::exact,
                                                       result.status + " " + result.text);
            if (found && *found) put_in_other_words(result, **found);
        }
        log(job_.recipients[recipient], result);
        fresh_.push_back(std::move(result));
    }
}

/// default_delivery_status_filter: good news stay good, and bad news bad.
void Delivery::put_in_other_words(ipc::RecipientResult& result, std::string_view words) {
    std::string_view rest = words;
    std::string_view status = take_word(rest);
    bool good = result.outcome == ipc::Outcome::delivered;
    bool fits = smtp::is_status(status) && !rest.empty() && good == (status[0] == '2');
    if (!fits) {
        log_warning("smtp_delivery_status_filter: bad result: " + printable(words));
        return;
    }
    result.status = status;
    result.text = rest;
    if (!good) {
        result.outcome = status[0] == '5' ? ipc::Outcome::failed : ipc::Outcome::deferred;
    }
}

void Delivery::settle_rest() {
    for (std::size_t i : std::vector<std::size_t>(pending_)) {
        if (latest_[i].text.empty()) {
            latest_[i].status = "4.4.1";
            latest_[i].text = "no server to try";
        }
        settle(i, std::move(latest_[i]));
    }
}

void Delivery::log(const ipc::JobRecipient& recipient, const ipc::RecipientResult& result) const {
    const char* status = result.outcome == ipc::Outcome::delivered ? "sent"
                         : result.outcome == ipc::Outcome::failed  ? "bounced"
                                                                   : "deferred";
    if (job_.verify) {
        status = result.outcome == ipc::Outcome::delivered ? "deliverable" : "undeliverable";
    }
    std::string original;
    if (!recipient.original.empty() && !iequals(recipient.original, recipient.address)) {
        original = "orig_to=<" + smtp::to_external(recipient.original) + ">, ";
    }
    std::string use;
    if (connection_use_ > 1 && result.relay != "none")
        use = fmt::format("conn_use={}, ", connection_use_);
    log_info(fmt::format("{}: to=<{}>, {}relay={}, {}{}, dsn={}, status={} ({})", job_.queue_id,
                         smtp::to_external(recipient.address), original,
                         result.relay.empty() ? "none" : result.relay, use,
                         spool::delays_text(job_, started_, connected_), result.status, status,
                         result.text));
}

}  // namespace facteur::smtp_client
