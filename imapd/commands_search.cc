// SEARCH, SORT and THREAD: RFC 3501 section 6.4.4, RFC 4731, RFC 5182, RFC 5256, RFC 5267, RFC
// 9394.

#include <algorithm>

#include "imapd/search.h"
#include "imapd/session.h"
#include "imapd/sort.h"
#include "imapd/store_terms.h"
#include "lib/imap/sort.h"

namespace facteur::imapd {

namespace {

const char* const kBadCharset = "[BADCHARSET (US-ASCII UTF-8 ISO-8859-1)] Unknown charset.";

}  // namespace

imap::SearchLimits Session::search_limits() const {
    imap::SearchLimits limits;
    limits.depth = static_cast<std::size_t>(settings_.search_depth_limit());
    limits.keys = static_cast<std::size_t>(settings_.search_key_limit());
    return limits;
}

/// Sequence numbers, ascending.  An Error without a text is an unknown charset.
Task<Result<std::vector<std::uint32_t>>> Session::find(const imap::SearchProgram& program,
                                                       Progress& progress) {
    if (imap::has_key(program.root, imap::SearchKey::Kind::modseq)) enable_condstore();
    QueryContext context{*mailbox_, saved_};
    auto query = compile(program, context);
    if (!query) co_return permanent("");
    Search search(*mailbox_, workers_, progress, *std::move(query));
    // RFC 9738 section 3: the last messages alone.
    std::uint32_t size = mailbox_->size();
    std::uint32_t first = size > message_limit() ? size - message_limit() + 1 : 1;
    auto found = co_await search.run(first);
    co_return found;
}

std::string Session::search_limit_code() const {
    std::uint32_t limit = message_limit();
    std::uint32_t size = mailbox_->size();
    if (size <= limit) return std::string();
    return "[MESSAGELIMIT " + std::to_string(limit) + " " +
           std::to_string(mailbox_->uid(size - limit + 1)) + "] ";
}

// RFC 9586 section 3.2
std::optional<Reply> Session::refuse_sequences(const imap::SearchProgram& program) const {
    if (uid_only_ && imap::names_sequences(program.root)) return uid_required();
    return std::nullopt;
}

// RFC 5182 section 2.4, RFC 9394 section 3.1: MIN, MAX and PARTIAL narrow what is kept, unless all
// of it is asked for too.
void Session::save(const imap::SearchReturn& wanted, const std::vector<std::uint32_t>& found) {
    saved_.clear();
    std::vector<std::uint32_t> kept;
    bool is_narrow = wanted.min || wanted.max || wanted.partial;
    if (!is_narrow || wanted.all || wanted.count) {
        kept = found;
    } else if (!found.empty()) {
        if (wanted.partial) kept = imap::window(*wanted.partial, found);
        if (wanted.min) kept.push_back(found.front());
        if (wanted.max) kept.push_back(found.back());
    }
    saved_ = uids_of(kept);
    std::sort(saved_.begin(), saved_.end());
    saved_.erase(std::unique(saved_.begin(), saved_.end()), saved_.end());
}

// RFC 7162 section 3.1.10: of those that are told, or of all found.
std::uint64_t Session::modseq_of(const imap::SearchReturn& wanted,
                                 const std::vector<std::uint32_t>& found) const {
    std::uint64_t highest = 0;
    auto look = [&](std::uint32_t sequence) {
        highest = std::max(highest, told_modseq(mailbox_->message(sequence).modseq));
    };
    if (found.empty()) return 0;
    bool only_ends = wanted.is_extended && !wanted.all && !wanted.count && !wanted.partial;
    if (only_ends && (wanted.min || wanted.max)) {
        if (wanted.min) look(found.front());
        if (wanted.max) look(found.back());
        return highest;
    }
    std::for_each(found.begin(), found.end(), look);
    return highest;
}

// RFC 3501 section 7.2.5, RFC 4731 section 3.1; RFC 5267 section 3 for SORT.
void Session::tell_found(const Command& command, const imap::SearchReturn& wanted,
                         const std::vector<std::uint32_t>& found, bool with_modseq) {
    std::vector<std::uint32_t> numbers = command.by_uid ? uids_of(found) : found;
    std::uint64_t modseq = with_modseq ? modseq_of(wanted, found) : 0;
    std::string line = "* " + (wanted.is_extended ? std::string("ESEARCH") : command.name);
    if (!wanted.is_extended) {
        for (std::uint32_t number : numbers)
            line.append(" ").append(std::to_string(number));
        if (modseq != 0) line += " (MODSEQ " + std::to_string(modseq) + ")";
        out_.put(line + "\r\n");
        return;
    }
    // RFC 5182 section 2.1: nothing to tell when the result is only to be kept.
    if (!wanted.min && !wanted.max && !wanted.all && !wanted.count && !wanted.partial) return;
    line += " (TAG \"" + command.tag + "\")";
    if (command.by_uid) line += " UID";
    out_.put(line + result_items(wanted, numbers, modseq) + "\r\n");
}

std::string Session::result_items(const imap::SearchReturn& wanted,
                                  const std::vector<std::uint32_t>& numbers, std::uint64_t modseq) {
    std::string line;
    if (wanted.min && !numbers.empty()) line += " MIN " + std::to_string(numbers.front());
    if (wanted.max && !numbers.empty()) line += " MAX " + std::to_string(numbers.back());
    if (wanted.count) line += " COUNT " + std::to_string(numbers.size());
    if (wanted.all && !numbers.empty()) line += " ALL " + imap::to_text(numbers);
    if (wanted.partial) {
        std::vector<std::uint32_t> part = imap::window(*wanted.partial, numbers);
        line += " PARTIAL (" + imap::partial_text(*wanted.partial) + " " +
                (part.empty() ? "NIL" : imap::to_text(part)) + ")";
    }
    if (modseq != 0) line += " MODSEQ " + std::to_string(modseq);
    return line;
}

Task<Reply> Session::do_search(Command& command) {
    if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
    auto wanted = imap::parse_search_return(command.arguments);
    if (!wanted) co_return bad(wanted.error());
    auto program = imap::parse_search(command.arguments, search_limits());
    if (!program) co_return bad(program.error());
    auto refusal = co_await resolve_filters(program->root, 0);
    if (refusal) co_return *std::move(refusal);
    if (auto numbers = refuse_sequences(*program)) co_return *std::move(numbers);
    // RFC 6855 section 3: everything is UTF-8 then.
    if (utf8_ && !program->charset.empty()) co_return bad("CHARSET after ENABLE UTF8=ACCEPT.");
    // RFC 9051 section 6.4.4: the answer is ESEARCH, asked for or not.
    if (rev2_ && !wanted->is_extended) wanted->is_extended = wanted->all = true;
    Progress progress(out_, command.tag, settings_.progress_interval());
    auto found = co_await find(*program, progress);
    // RFC 5182 section 2.1: a search that fails leaves nothing behind "$".
    if (!found && wanted->save) saved_.clear();
    if (!found && found.error().text.empty()) co_return no(kBadCharset);
    if (!found) co_return refused(found.error());
    tell_found(command, *wanted, *found, imap::has_key(program->root, Query::Kind::modseq));
    if (wanted->save) save(*wanted, *found);
    if (wanted->update) {
        SearchContext context;
        context.program = *std::move(program);
        context.uids = uids_of(*found);
        keep_context(command, *wanted, std::move(context));
    }
    co_return ok(search_limit_code() + "Search completed.");
}

// RFC 5256 section 3, RFC 5267 section 3
Task<Reply> Session::do_sort(Command& command) {
    if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
    auto wanted = imap::parse_search_return(command.arguments);
    if (!wanted) co_return bad(wanted.error());
    auto arguments = imap::parse_sort(command.arguments, search_limits());
    if (!arguments) co_return bad(arguments.error());
    auto undefined = co_await resolve_filters(arguments->program.root, 0);
    if (undefined) co_return *std::move(undefined);
    if (auto refusal = refuse_sequences(arguments->program)) co_return *std::move(refusal);
    Progress progress(out_, command.tag, settings_.progress_interval());
    auto found = co_await find(arguments->program, progress);
    if (!found && wanted->save) saved_.clear();
    if (!found && found.error().text.empty()) co_return no(kBadCharset);
    if (!found) co_return refused(found.error());
    Sorter sorter(*mailbox_, workers_, progress);
    auto sorted = co_await sorter.sort(*std::move(found), arguments->keys);
    if (!sorted) co_return refused(sorted.error());
    bool with_modseq = imap::has_key(arguments->program.root, Query::Kind::modseq);
    tell_found(command, *wanted, *sorted, with_modseq);
    if (wanted->save) save(*wanted, *sorted);
    if (wanted->update) {
        SearchContext context;
        context.program = std::move(arguments->program);
        context.keys = std::move(arguments->keys);
        context.uids = uids_of(*sorted);
        keep_context(command, *wanted, std::move(context));
    }
    co_return ok(search_limit_code() + "Sort completed.");
}

// RFC 5256 section 3
Task<Reply> Session::do_thread(Command& command) {
    if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
    auto arguments = imap::parse_thread(command.arguments, search_limits());
    if (!arguments) co_return bad(arguments.error());
    auto undefined = co_await resolve_filters(arguments->program.root, 0);
    if (undefined) co_return *std::move(undefined);
    if (auto refusal = refuse_sequences(arguments->program)) co_return *std::move(refusal);
    Progress progress(out_, command.tag, settings_.progress_interval());
    auto found = co_await find(arguments->program, progress);
    if (!found && found.error().text.empty()) co_return no(kBadCharset);
    if (!found) co_return refused(found.error());
    Sorter sorter(*mailbox_, workers_, progress);
    auto threads = co_await sorter.thread(*std::move(found), arguments->algorithm, command.by_uid);
    if (!threads) co_return refused(threads.error());
    out_.put("* THREAD" + (threads->empty() ? std::string() : " " + *threads) + "\r\n");
    co_return ok(search_limit_code() + "Thread completed.");
}

}  // namespace facteur::imapd
