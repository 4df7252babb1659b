#include "imapd/search.h"

#include <functional>

#include <unistd.h>

namespace facteur::imapd {

namespace {

Answer read_and_ask(const Query& query, Candidate candidate, const store::Content& content) {
    std::string text(static_cast<std::size_t>(content.size), '\0');
    std::size_t done = 0;
    while (done < text.size()) {
        ssize_t count = ::pread(content.fd.get(), text.data() + done, text.size() - done,
                                static_cast<off_t>(done));
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
    text.resize(done);
    candidate.content = &text;
    mime::Part parsed;
    if (candidate.structure == nullptr) {
        parsed = mime::parse_structure(text);
        candidate.structure = &parsed;
    }
    return evaluate(query, candidate);
}

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
    std::vector<std::uint32_t> found;
    std::uint32_t size = mailbox_.size();
    for (std::uint32_t sequence = first; sequence <= size; ++sequence) {
        co_await progress_.step(sequence, size);
        CO_TRY(Answer answer, co_await look(sequence));
        if (answer == Answer::yes) found.push_back(sequence);
    }
    co_return found;
}

Task<Result<std::vector<std::uint32_t>>> Search::among(std::vector<std::uint32_t> sequences) {
    if (asks_size(query_)) {
        CO_TRY_VOID(co_await measure());
    }
    std::vector<std::uint32_t> found;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
        co_await progress_.step(i + 1, sequences.size());
        CO_TRY(Answer answer, co_await look(sequences[i]));
        if (answer == Answer::yes) found.push_back(sequences[i]);
    }
    co_return found;
}

Task<Result<Answer>> Search::look(std::uint32_t sequence) {
    Candidate candidate;
    candidate.sequence = sequence;
    candidate.message = mailbox_.message(sequence);
    if (candidate.message.expunged) co_return Answer::no;
    Answer answer = evaluate(query_, candidate);
    if (answer != Answer::unknown) co_return answer;
    store::Summary summary;
    const mime::Part* structure = nullptr;
    if (asks_fields_) {
        auto known = co_await mailbox_.summary(candidate.message.uid);
        if (!known && known.error().status == "5.7.0") co_return Answer::no;
        if (!known) co_return std::unexpected(known.error());
        summary = *std::move(known);
        candidate.fields = &summary.fields;
        candidate.digest = &summary.digest;
        structure = &summary.structure;
        answer = evaluate(query_, candidate);
        if (answer != Answer::unknown) co_return answer;
    }
    Result<Answer> last = co_await read(candidate, structure);
    co_return last;
}

Task<Result<Answer>> Search::read(Candidate candidate, const mime::Part* structure) {
    candidate.structure = structure;
    auto content = co_await mailbox_.content(candidate.message.uid);
    if (!content && content.error().status == "5.7.0") co_return Answer::no;
    if (!content) co_return std::unexpected(content.error());
    std::function<Answer()> work = [&] { return read_and_ask(query_, candidate, *content); };
    Answer answer = co_await workers_.run<Answer>(std::move(work));
    co_return answer;
}

}  // namespace facteur::imapd
