#include "tools/facteur/mailbox_work.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lib/base/time.h"
#include "lib/imap/mailbox_name.h"
#include "lib/store/maildir/expunged.h"
#include "lib/store/maildir/names.h"
#include "lib/store/quota/keeper.h"

namespace facteur::tool {
namespace {

using nlohmann::json;
namespace maildir = store::maildir;

void print_json(const json& value) {
    fmt::print("{}\n", value.dump(2, ' ', false, json::error_handler_t::replace));
}

bool is_wanted(const MailboxWish& wish, const std::string& name, char separator) {
    return wish.mailbox.empty() || imap::matches(wish.mailbox, name, separator);
}

std::string day_and_time(std::int64_t when) {
    char text[40];
    const std::time_t seconds = when;
    std::tm local{};
    ::localtime_r(&seconds, &local);
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
    return text;
}

std::string dir_of(const Account& account, const std::string& folder) {
    return folder.empty() ? account.root() : account.root() + "/" + folder;
}

}  // namespace

Task<Result<std::vector<store::MailboxInfo>>> selectable(Account& account) {
    CO_TRY(auto all, co_await account.store().list());
    std::erase_if(all, [](const auto& info) { return !info.selectable || !info.exists; });
    co_return all;
}

std::vector<std::string> keywords_of(const store::Message& message, const store::Mailbox& mailbox) {
    std::vector<std::string> out;
    const std::vector<std::string>& names = mailbox.keywords();
    for (std::size_t bit = 0; bit < names.size(); ++bit)
        if ((message.keywords >> bit & 1) && !names[bit].empty()) out.push_back(names[bit]);
    return out;
}

Task<Result<void>> find_in(const Query& query, Found& found) {
    store::Mailbox& mailbox = *found.mailbox;
    std::vector<std::uint32_t> unknown;
    for (std::uint32_t sequence = 1; sequence <= mailbox.size(); ++sequence)
        if (mailbox.message(sequence).size == 0) unknown.push_back(mailbox.uid(sequence));
    if (!unknown.empty()) {
        CO_TRY_VOID(co_await mailbox.measure(std::move(unknown)));
    }
    for (std::uint32_t sequence = 1; sequence <= mailbox.size(); ++sequence) {
        Query::Facts facts;
        facts.mailbox = found.name;
        facts.message = mailbox.message(sequence);
        facts.keywords = keywords_of(facts.message, mailbox);
        if (facts.message.expunged) continue;
        if (query.wants_fields()) {
            CO_TRY(store::Summary summary, co_await mailbox.summary(facts.message.uid));
            facts.fields = std::move(summary.fields);
        }
        if (query.matches(facts)) found.uids.push_back(facts.message.uid);
    }
    co_return Result<void>();
}

Task<Result<void>> show_list(Account& account, const MailboxWish& wish) {
    CO_TRY(auto all, co_await account.store().list());
    json out = json::array();
    for (const store::MailboxInfo& info : all) {
        if (!is_wanted(wish, info.name, account.store().separator())) continue;
        json one;
        one["mailbox"] = info.name;
        one["exists"] = info.exists;
        one["selectable"] = info.selectable;
        one["subscribed"] = info.subscribed;
        if (!wish.json && info.exists) fmt::print("{}\n", info.name);
        out.push_back(std::move(one));
    }
    if (wish.json) print_json(out);
    co_return Result<void>();
}

Task<Result<void>> show_status(Account& account, const MailboxWish& wish) {
    CO_TRY(auto all, co_await selectable(account));
    json out = json::array();
    for (const store::MailboxInfo& info : all) {
        if (!is_wanted(wish, info.name, account.store().separator())) continue;
        CO_TRY(store::MailboxStatus status, co_await account.store().status(info.name));
        json one;
        one["mailbox"] = info.name;
        one["messages"] = status.messages;
        one["recent"] = status.recent;
        one["unseen"] = status.unseen;
        one["uidnext"] = status.uid_next;
        one["uidvalidity"] = status.uid_validity;
        one["highestmodseq"] = status.highest_modseq;
        one["size"] = status.size;
        if (!wish.json)
            fmt::print(
                "{} messages={} recent={} unseen={} uidnext={} uidvalidity={} "
                "highestmodseq={} vsize={}\n",
                info.name, status.messages, status.recent, status.unseen, status.uid_next,
                status.uid_validity, status.highest_modseq, status.size);
        out.push_back(std::move(one));
    }
    if (wish.json) print_json(out);
    co_return Result<void>();
}

Task<Result<void>> show_quota(Account& account, const MailboxWish& wish) {
    const store::Options& options = account.options();
    CO_TRY(auto rules, store::quota::Rules::parse(options.settings));
    if (!rules) co_return permanent("there is no quota for " + options.user);
    if (wish.recount) {
        store::quota::Keeper keeper(account.root(), *rules, options.separator, options.file_mode,
                                    {});
        auto counted = keeper.recount();
        CO_TRY_VOID(std::move(counted));
    }
    CO_TRY(auto roots, co_await account.store().quota("INBOX"));
    json out = json::array();
    for (const store::QuotaRoot& root : roots) {
        json one;
        one["root"] = root.name;
        one["bytes"] = root.bytes;
        one["byte_limit"] = root.byte_limit;
        one["messages"] = root.messages;
        one["message_limit"] = root.message_limit;
        if (!wish.json)
            fmt::print("{}: {} of {} bytes, {} of {} messages\n", root.name, root.bytes,
                       root.byte_limit ? std::to_string(root.byte_limit) : "any number of",
                       root.messages,
                       root.message_limit ? std::to_string(root.message_limit) : "any number of");
        out.push_back(std::move(one));
    }
    if (wish.json) print_json(out);
    co_return Result<void>();
}

Task<Result<void>> expunge_found(Account& account, const MailboxWish& wish) {
    if (wish.words.empty()) co_return permanent("expunge needs a query; ALL means everything");
    CO_TRY(Query query, Query::parse(wish.words, std::time(nullptr)));
    std::size_t gone = 0;
    store::FlagChange mark;
    mark.flags = store::deleted;
    CO_TRY(auto all, co_await selectable(account));
    for (const store::MailboxInfo& info : all) {
        if (!query.wants_mailbox(info.name)) continue;
        Found found;
        found.name = info.name;
        CO_TRY(found.mailbox, co_await account.store().open(info.name, false));
        CO_TRY_VOID(co_await find_in(query, found));
        if (found.uids.empty()) continue;
        auto marked = co_await found.mailbox->store(found.uids, mark);
        CO_TRY_VOID(std::move(marked));
        CO_TRY(auto expunged, co_await found.mailbox->expunge(std::move(found.uids)));
        gone += expunged.size();
        co_await found.mailbox->close();
    }
    if (!wish.quiet) fmt::print("Expunged {} messages.\n", gone);
    co_return Result<void>();
}

Task<Result<void>> copy_found(Account& account, const MailboxWish& wish) {
    if (wish.words.empty()) co_return permanent("copy needs a query; ALL means everything");
    CO_TRY(Query query, Query::parse(wish.words, std::time(nullptr)));
    auto created = co_await account.store().create(wish.target);
    if (!created && created.error().status != "5.2.0") co_return created;
    std::size_t copied = 0;
    CO_TRY(auto all, co_await selectable(account));
    for (const store::MailboxInfo& info : all) {
        if (!query.wants_mailbox(info.name) || info.name == wish.target) continue;
        Found found;
        found.name = info.name;
        CO_TRY(found.mailbox, co_await account.store().open(info.name, true));
        CO_TRY_VOID(co_await find_in(query, found));
        if (found.uids.empty()) continue;
        CO_TRY(auto outcome, co_await found.mailbox->copy(std::move(found.uids), wish.target));
        copied += outcome.target.size();
    }
    if (!wish.quiet) fmt::print("Copied {} messages to {}.\n", copied, wish.target);
    co_return Result<void>();
}

/// What is kept of the mailboxes that were asked for; a folder that is gone is made again.
Task<Result<void>> undelete(Account& account, const MailboxWish& wish) {
    CO_TRY(auto kept, maildir::list_kept(account.root()));
    const char separator = account.store().separator();
    json out = json::array();
    std::size_t restored = 0;
    for (const maildir::Kept& one : kept) {
        const std::string name =
            one.folder.empty() ? "INBOX"
                               : maildir::mailbox_name(one.folder, separator).value_or(one.folder);
        if (!is_wanted(wish, name, separator)) continue;
        if (wish.list) {
            if (!wish.json)
                fmt::print("{}  {}  {} bytes  {}\n", day_and_time(one.expunged), name, one.size,
                           one.name);
            json line;
            line["mailbox"] = name;
            line["expunged"] = one.expunged;
            line["size"] = one.size;
            line["file"] = one.name;
            out.push_back(std::move(line));
            continue;
        }
        if (!one.folder.empty()) {
            auto created = co_await account.store().create(name);
            if (!created && created.error().status != "5.2.0") co_return created;
        }
        CO_TRY_VOID(maildir::restore(one, dir_of(account, one.folder)));
        ++restored;
    }
    if (wish.list && wish.json) print_json(out);
    if (!wish.list && !wish.quiet) fmt::print("Restored {} messages.\n", restored);
    if (restored > 0) {
        CO_TRY(auto rules, store::quota::Rules::parse(account.options().settings));
        if (rules)
            store::quota::Keeper(account.root(), *rules, separator, account.options().file_mode, {})
                .recount();
    }
    co_return Result<void>();
}

Task<Result<void>> purge(Account& account, const MailboxWish& wish) {
    const std::int64_t keep = maildir::keep_expunged(account.options().settings);
    const std::size_t gone =
        maildir::purge_kept(account.root(), std::time(nullptr) - (wish.recount ? -1 : keep));
    if (!wish.quiet) fmt::print("Removed {} messages for good.\n", gone);
    co_return Result<void>();
}

}  // namespace facteur::tool
