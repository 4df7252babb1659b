#include "imapd/search.h"

#include <algorithm>
#include <functional>
#include <map>

namespace facteur::imapd {

namespace {

/// Messages that one worker reads at a time.
constexpr std::size_t kBatch = 32;

}  // namespace

Search::Search(store::Mailbox& mailbox, WorkerPool& workers, Progress& progress, Query query)
    : mailbox_(mailbox),
      workers_(workers),
      progress_(progress),
      query_(std::move(query)),
      asks_fields_(asks_fields(query_)) {}

Task<Result<void>> Search::measure() {
    std::vector<std::uint32_t> unknown;
    for (std::uint32_t sequence = 1; sequence <= mailbox_.size(); ++sequence) {
        store::Message message = mailbox_.message(sequence);
        if (message.size == 0 && !message.expunged) unknown.push_back(message.uid);
    }
    if (unknown.empty()) co_return Result<void>();
    Result<void> measured = co_await mailbox_.measure(std::move(unknown));
    co_return measured;
}

Task<Result<std::vector<std::uint32_t>>> Search::run(std::uint32_t first) {
    if (asks_size(query_)) {
        CO_TRY_VOID(co_await measure());
    }
    std::vector<std::uint32_t> sequences;
    for (std::uint32_t sequence = first; sequence <= mailbox_.size(); ++sequence)
        sequences.push_back(sequence);
    auto found = co_await ask(std::move(sequences));
    co_return found;
}

Task<Result<std::vector<std::uint32_t>>> Search::among(std::vector<std::uint32_t> sequences) {
    if (asks_size(query_)) {
        CO_TRY_VOID(co_await measure());
    }
    auto found = co_await ask(std::move(sequences));
    co_return found;
}

/// First what the index knows, then what must be read.
Task<Result<std::vector<std::uint32_t>>> Search::ask(std::vector<std::uint32_t> sequences) {
    std::vector<std::uint32_t> found;
    std::vector<std::uint32_t> open;
    std::size_t size = sequences.size();
    constexpr std::size_t kTurn = 128;  // messages between looks at the clock
    for (std::size_t i = 0; i < size; ++i) {
        if (i % kTurn == 0) co_await progress_.step(i, size);
        Answer answer = look_quickly(sequences[i]);
        if (answer == Answer::yes) found.push_back(sequences[i]);
        if (answer == Answer::unknown) open.push_back(sequences[i]);
    }
    for (std::size_t at = 0; at < open.size(); at += kBatch) {
        co_await progress_.step(size - open.size() + at, size);
        std::vector<std::uint32_t> batch(
            open.begin() + static_cast<std::ptrdiff_t>(at),
            open.begin() + static_cast<std::ptrdiff_t>(std::min(open.size(), at + kBatch)));
        CO_TRY_VOID(co_await look_closely(std::move(batch), found));
    }
    if (!open.empty()) std::sort(found.begin(), found.end());
    co_return found;
}

/// As far as the index knows.
Answer Search::look_quickly(std::uint32_t sequence) const {
    Candidate candidate;
    candidate.sequence = sequence;
    candidate.message = mailbox_.message(sequence);
    if (candidate.message.expunged) return Answer::no;
    Answer answer = evaluate(query_, candidate);
    if (answer != Answer::unknown || !asks_fields_) return answer;
    auto show = [&](const store::SummaryView& view) {
        candidate.summary = &view;
        answer = evaluate(query_, candidate);
    };
    mailbox_.peek(candidate.message.uid, std::ref(show));
    return answer;
}

/// Reads the messages that are still open.
Task<Result<void>> Search::look_closely(std::vector<std::uint32_t> sequences,
                                        std::vector<std::uint32_t>& found) {
    if (asks_fields_) {
        // What the index does not know yet it shall know the next time.
        std::vector<std::uint32_t> uids;
        for (std::uint32_t sequence : sequences)
            uids.push_back(mailbox_.uid(sequence));
        CO_TRY_VOID(co_await mailbox_.summarize(std::move(uids)));
    }
    std::map<std::uint32_t, Candidate> candidates;
    std::vector<std::uint32_t> uids;
    for (std::uint32_t sequence : sequences) {
        Answer answer = asks_fields_ ? look_quickly(sequence) : Answer::unknown;
        if (answer == Answer::yes) found.push_back(sequence);
        if (answer != Answer::unknown) continue;
        Candidate candidate;
        candidate.sequence = sequence;
        candidate.message = mailbox_.message(sequence);
        uids.push_back(candidate.message.uid);
        candidates.emplace(candidate.message.uid, candidate);
    }
    // In a worker thread; found belongs to it meanwhile.
    std::function<void(std::uint32_t, const std::string&)> ask = [&](std::uint32_t uid,
                                                                     const std::string& content) {
        Candidate& candidate = candidates.at(uid);
        mime::Part structure = mime::parse_structure(content);
        candidate.content = &content;
        candidate.structure = &structure;
        if (evaluate(query_, candidate) == Answer::yes) found.push_back(candidate.sequence);
    };
    Result<void> read = co_await mailbox_.read(std::move(uids), std::move(ask));
    co_return read;
}

}  // namespace facteur::imapd
