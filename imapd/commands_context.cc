// Searches that go on (RFC 5267), of several mailboxes (RFC 7377) and with a name (RFC 5466).

#include <algorithm>

#include "imapd/fetch.h"
#include "imapd/mailbox_filter.h"
#include "imapd/search.h"
#include "imapd/session.h"
#include "imapd/sort.h"
#include "imapd/store_terms.h"
#include "lib/base/text.h"
#include "lib/imap/notify.h"
#include "lib/imap/response.h"

namespace facteur::imapd {

namespace {

/// A filter may name another one so often.
constexpr int kFilterDepth = 5;

/// The results of such a program change with the messages alone.
bool can_go_on(const imap::SearchKey& key) {
    using Kind = imap::SearchKey::Kind;
    bool is_set =
        key.kind == Kind::sequence || (key.kind == Kind::uid && key.set.is_saved_result());
    if (is_set || key.kind == Kind::older || key.kind == Kind::younger) return false;
    return std::all_of(key.children.begin(), key.children.end(), can_go_on);
}

std::size_t count_keys(const imap::SearchKey& key) {
    std::size_t count = 1;
    for (const imap::SearchKey& child : key.children)
        count += count_keys(child);
    return count;
}

std::string search_head(const std::string& tag, bool by_uid) {
    return "* ESEARCH (TAG \"" + tag + "\")" + (by_uid ? " UID" : "");
}

}  // namespace

Task<std::optional<Reply>> Session::resolve_filters(imap::SearchKey& key, int depth) {
    std::size_t key_budget = search_limits().keys;
    auto refusal = co_await resolve_filters(key, depth, key_budget);
    co_return refusal;
}

// RFC 5466 section 3.1: the user's own before what all share.  The budget is for all filters
// together: those that name others often would grow beyond all bounds.
Task<std::optional<Reply>> Session::resolve_filters(imap::SearchKey& key, int depth,
                                                    std::size_t& key_budget) {
    if (!imap::has_key(key, imap::SearchKey::Kind::filter)) co_return std::nullopt;
    for (imap::SearchKey& child : key.children) {
        auto refusal = co_await resolve_filters(child, depth, key_budget);
        if (refusal) co_return refusal;
    }
    if (key.kind != imap::SearchKey::Kind::filter) co_return std::nullopt;
    auto properties = co_await store_.properties(std::string());
    if (!properties) co_return refused(properties.error());
    std::string name = to_lower(key.text);
    auto found = properties->find("/private/filters/values/" + name);
    if (found == properties->end()) found = properties->find("/shared/filters/values/" + name);
    Reply undefined = no("[UNDEFINED-FILTER " + printable(key.text, 100) + "] No such filter.");
    if (found == properties->end() || depth == kFilterDepth) co_return undefined;
    imap::Scanner scanner(found->second);
    auto program = imap::parse_search(scanner, search_limits());
    bool is_utf8 = program && (program->charset.empty() || program->charset == "UTF-8" ||
                               program->charset == "US-ASCII");
    if (!is_utf8) co_return undefined;
    std::size_t count = count_keys(program->root);
    if (count > key_budget) co_return no("[LIMIT] The filters have too many keys.");
    key_budget -= count;
    bool is_negated = key.negated;
    key = std::move(program->root);
    key.negated = is_negated;
    auto refusal = co_await resolve_filters(key, depth + 1, key_budget);
    co_return refusal;
}

// RFC 5267 section 4.3: from now on its changes are told.
void Session::keep_context(const Command& command, const imap::SearchReturn& wanted,
                           SearchContext context) {
    bool is_possible =
        can_go_on(context.program.root) &&
        static_cast<int>(contexts_.size()) < settings_.context_limit() &&
        (context.keys.empty() ||
         context.uids.size() <= static_cast<std::size_t>(settings_.context_sort_limit()));
    if (!is_possible) {
        out_.put("* NO [NOUPDATE \"" + command.tag + "\"] This search cannot go on.\r\n");
        return;
    }
    context.tag = command.tag;
    context.by_uid = command.by_uid;
    context.items = wanted.update_items;
    contexts_.push_back(std::move(context));
}

// RFC 5267 section 4.4
Task<Reply> Session::do_cancelupdate(Command& command) {
    do {
        if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
        auto tag = command.arguments.string();
        if (!tag) co_return bad(tag.error());
        std::erase_if(contexts_, [&](const SearchContext& one) { return one.tag == *tag; });
    } while (!command.arguments.at_end());
    co_return ok("Cancelupdate completed.");
}

std::uint32_t Session::number_of(const SearchContext& context, std::uint32_t uid) const {
    return context.by_uid ? uid : mailbox_->sequence_from(uid);
}

// RFC 5267 section 4.3.3: positions count from 1 in a sorted result, and mean nothing otherwise.
void Session::take_from(SearchContext& context, const std::vector<std::uint32_t>& uids) {
    std::string pairs;
    std::vector<std::uint32_t> gone;
    for (std::size_t at = context.uids.size(); at-- > 0;) {
        std::uint32_t uid = context.uids[at];
        if (!std::binary_search(uids.begin(), uids.end(), uid)) continue;
        if (!context.keys.empty()) {
            if (!pairs.empty()) pairs += ' ';
            pairs += std::to_string(at + 1) + " " + std::to_string(number_of(context, uid));
        }
        gone.push_back(number_of(context, uid));
    }
    if (gone.empty()) return;
    std::erase_if(context.uids, [&](std::uint32_t uid) {
        return std::binary_search(uids.begin(), uids.end(), uid);
    });
    std::sort(gone.begin(), gone.end());
    if (context.keys.empty()) pairs = "0 " + imap::to_text(gone);
    out_.put(search_head(context.tag, context.by_uid) + " REMOVEFROM (" + pairs + ")\r\n");
}

Task<void> Session::add_to(SearchContext& context, std::vector<std::uint32_t> uids) {
    if (uids.empty()) co_return;
    std::string pairs;
    if (context.keys.empty()) {
        std::vector<std::uint32_t> numbers;
        for (std::uint32_t uid : uids)
            numbers.push_back(number_of(context, uid));
        context.uids.insert(context.uids.end(), uids.begin(), uids.end());
        std::sort(context.uids.begin(), context.uids.end());
        pairs = "0 " + imap::to_text(numbers);
    } else {
        std::vector<std::uint32_t> sequences;
        for (std::uint32_t uid : context.uids)
            sequences.push_back(mailbox_->sequence_from(uid));
        for (std::uint32_t uid : uids)
            sequences.push_back(mailbox_->sequence_from(uid));
        std::sort(sequences.begin(), sequences.end());
        Progress progress(out_, context.tag, std::chrono::hours(24));
        Sorter sorter(*mailbox_, workers_, progress);
        auto sorted = co_await sorter.sort(std::move(sequences), context.keys);
        if (!sorted) co_return;
        context.uids = uids_of(*sorted);
        for (std::size_t at = 0; at < context.uids.size(); ++at) {
            if (!std::binary_search(uids.begin(), uids.end(), context.uids[at])) continue;
            if (!pairs.empty()) pairs += ' ';
            pairs +=
                std::to_string(at + 1) + " " + std::to_string(number_of(context, context.uids[at]));
        }
    }
    if (!pairs.empty()) {
        out_.put(search_head(context.tag, context.by_uid) + " ADDTO (" + pairs + ")\r\n");
    }
}

/// What became of these messages (sequence numbers, ascending) in each search that goes on.
Task<void> Session::update_contexts(std::vector<std::uint32_t> touched, std::uint32_t first_new) {
    for (SearchContext& context : contexts_) {
        QueryContext asked{*mailbox_, saved_};
        auto query = compile(context.program, asked);
        if (!query) continue;
        Progress progress(out_, context.tag, std::chrono::hours(24));
        Search search(*mailbox_, workers_, progress, *std::move(query));
        auto found = co_await search.among(touched);
        if (!found) continue;
        std::vector<std::uint32_t> added;
        std::vector<std::uint32_t> removed;
        std::vector<std::uint32_t> known = context.uids;
        std::sort(known.begin(), known.end());
        for (std::uint32_t sequence : touched) {
            std::uint32_t uid = mailbox_->uid(sequence);
            bool is_in = std::binary_search(found->begin(), found->end(), sequence);
            bool was_in = std::binary_search(known.begin(), known.end(), uid);
            if (is_in && !was_in) added.push_back(uid);
            if (!is_in && was_in) removed.push_back(uid);
        }
        take_from(context, removed);
        std::vector<std::uint32_t> news;
        for (std::uint32_t uid : added)
            if (mailbox_->sequence_from(uid) >= first_new) news.push_back(uid);
        co_await tell_context_items(context, news);
        co_await add_to(context, std::move(added));
    }
}

// RFC 5465 section 7: of new messages, before the ESEARCH response.
Task<void> Session::tell_context_items(const SearchContext& context,
                                       const std::vector<std::uint32_t>& uids) {
    if (context.items.empty() || uids.empty()) co_return;
    std::vector<std::uint32_t> sequences;
    for (std::uint32_t uid : uids)
        sequences.push_back(mailbox_->sequence_from(uid));
    FetchForm form;
    form.without_recent = rev2_;
    form.uid_only = uid_only_;
    Fetch fetch(*mailbox_, out_, workers_, context.items, form);
    auto sent = co_await fetch.send(sequences, false);
    (void)sent;
}

/// The mailboxes of an ESEARCH command, by name.
Task<Result<std::vector<std::string>>> Session::searched_mailboxes(
    std::vector<imap::MailboxFilter> filters) {
    std::vector<std::string> names;
    for (imap::MailboxFilter& filter : filters) {
        bool is_selected = filter.kind == imap::MailboxFilter::Kind::selected ||
                           filter.kind == imap::MailboxFilter::Kind::selected_delayed;
        if (is_selected && mailbox_) names.push_back(mailbox_->name());
        for (std::string& name : filter.names) {
            auto utf8 = utf8_name(name);
            if (utf8) name = *std::move(utf8);
        }
    }
    CO_TRY(auto mailboxes, co_await store_.list());
    for (const store::MailboxInfo& info : mailboxes) {
        bool is_wanted = info.selectable && info.exists &&
                         std::any_of(filters.begin(), filters.end(), [&](const auto& filter) {
                             return matches(filter, info, store_);
                         });
        if (is_wanted && std::find(names.begin(), names.end(), info.name) == names.end()) {
            names.push_back(info.name);
        }
    }
    co_return names;
}

/// One mailbox of ESEARCH; an Error without a text is an unknown charset.
Task<Result<void>> Session::search_mailbox(const Command& command, std::string name,
                                           const imap::SearchProgram& program,
                                           const imap::SearchReturn& wanted) {
    auto mailbox = co_await store_.open(name, true);
    if (!mailbox)
        co_return Result<void>();  // RFC 7377 section 2.2: what cannot be read is left out
    QueryContext asked{**mailbox, {}};
    auto query = compile(program, asked);
    if (!query) co_return permanent("");
    Progress progress(out_, command.tag, settings_.progress_interval());
    Search search(**mailbox, workers_, progress, *std::move(query));
    CO_TRY(auto found, co_await search.run());
    if (found.empty()) co_return Result<void>();
    std::vector<std::uint32_t> uids;
    std::uint64_t modseq = 0;
    for (std::uint32_t sequence : found) {
        store::Message message = (*mailbox)->message(sequence);
        uids.push_back(message.uid);
        modseq = std::max(modseq, told_modseq(message.modseq));
    }
    if (!imap::has_key(program.root, imap::SearchKey::Kind::modseq)) modseq = 0;
    std::string line = "* ESEARCH (TAG \"" + command.tag + "\" MAILBOX ";
    append_name(line, name);
    line += " UIDVALIDITY " + std::to_string((*mailbox)->uid_validity()) + ") UID";
    out_.put(line + result_items(wanted, uids, modseq) + "\r\n");
    co_await out_.room();
    co_return Result<void>();
}

// RFC 7377 section 2
Task<Reply> Session::do_esearch(Command& command) {
    if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
    auto filters = imap::parse_search_sources(
        command.arguments, static_cast<std::size_t>(settings_.notify_mailbox_limit()));
    if (!filters) co_return bad(filters.error());
    auto wanted = imap::parse_search_return(command.arguments);
    if (!wanted) co_return bad(wanted.error());
    if (!wanted->is_extended) wanted->is_extended = wanted->all = true;
    auto program = imap::parse_search(command.arguments, search_limits());
    if (!program) co_return bad(program.error());
    // Section 2.1: numbers mean nothing over several mailboxes, nor does "$".
    bool is_valid = !imap::names_sequences(program->root) && !wanted->save && !wanted->update;
    if (!is_valid) co_return bad("Message numbers, SAVE and UPDATE are for one mailbox.");
    auto refusal = co_await resolve_filters(program->root, 0);
    if (refusal) co_return *std::move(refusal);
    if (imap::names_sequences(program->root)) co_return bad("A filter has message numbers.");
    bool asks_selected = filters->empty();
    if (asks_selected && !mailbox_) co_return bad("No mailbox selected.");
    if (asks_selected) filters->emplace_back();
    auto names = co_await searched_mailboxes(*std::move(filters));
    if (!names) co_return refused(names.error());
    for (std::string& name : *names) {
        auto done = co_await search_mailbox(command, std::move(name), *program, *wanted);
        if (!done && done.error().text.empty()) co_return no("[BADCHARSET] Unknown charset.");
        if (!done) co_return refused(done.error());
    }
    co_return ok("Esearch completed.");
}

}  // namespace facteur::imapd
