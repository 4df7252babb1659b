#include "policyd/cleaning.h"

#include <sys/stat.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/milter/connect.h"
#include "lib/smtp/address.h"

namespace facteur::policyd {

namespace {

/// addressd may be on its way back.
constexpr Seconds kTablePatience{60};

}  // namespace

struct Cleaning::Work {
    Work(cleanup::Treatment treatment, cleanup::Tables tables, const ipc::Clean& about)
        : question(about),
          letter(std::move(treatment), std::move(tables),
                 [this](const checks::Event& event) { log_check(event); }) {}

    /// "ID: reject: header Subject: x from local; from=<> to=<>: 5.7.1 no".
    std::string line(std::string_view what, std::string_view part, std::string_view text) const {
        std::string out = question.queue_id + ": " + std::string(what) + ": " + std::string(part) +
                          " from local; from=<" + smtp::to_external(letter.sender) + ">";
        if (!letter.recipients.empty())
            out += " to=<" + smtp::to_external(letter.recipients.front().address) + ">";
        if (!text.empty()) out += ": " + printable(text, 256);
        return out;
    }
    void log_check(const checks::Event& event) const {
        log_info(line(event.action, std::string(event.part) + " " + event.content, event.text));
    }

    const ipc::Clean& question;
    cleanup::Letter letter;
    std::string recipient;  ///< the one that milters hear of
};

Cleaning::Cleaning(Scope& scope, dns::Resolver& resolver, const Settings& settings)
    : scope_(scope),
      resolver_(resolver),
      settings_(settings),
      addressd_(scope, "private/address", kTablePatience) {}

cleanup::Treatment Cleaning::treatment(const ipc::Clean& question) const {
    const CleanSettings& filters = settings_.cleaning;
    cleanup::Treatment treatment;
    treatment.checks =
        checks::options_of(filters.checks, static_cast<std::size_t>(settings_.line_length_limit()),
                           question.smtputf8, !question.no_checks);
    treatment.milter_header_checks = filters.milter.header_checks();
    treatment.completes = true;
    treatment.rewrites = true;
    treatment.unmapped = question.unmapped;
    treatment.address_limit = static_cast<std::size_t>(filters.header_address_limit());
    treatment.undisclosed = filters.undisclosed();
    treatment.host = settings_.myhostname();
    treatment.full_name = question.full_name;
    return treatment;
}

template <class Question>
Task<Result<typename Question::Reply>> Cleaning::ask(Question question) {
    auto answer = co_await addressd_.call(std::move(question));
    if (!answer) co_return std::unexpected(std::move(answer).error());
    co_return std::move(answer->message);
}

Task<Result<ipc::Cleaned>> Cleaning::clean(ipc::Clean question, const Fd& content) {
    struct stat st {};
    if (fstat(content.get(), &st) != 0) co_return system_error("stat the content");
    cleanup::Tables tables;
    tables.look_up = [this](ipc::LookupMany keys) { return ask(std::move(keys)); };
    tables.rewrite = [this](ipc::RewriteHeader header) { return ask(std::move(header)); };
    Work work(treatment(question), std::move(tables), question);
    cleanup::Letter& letter = work.letter;
    letter.queue_id = question.queue_id;
    letter.sender = question.sender;
    letter.recipients = question.recipients;
    letter.when = std::chrono::system_clock::now();
    letter.set_content(checks::Source{content.get(), 0, static_cast<std::uint64_t>(st.st_size)});
    ipc::Cleaned reply;
    CO_TRY(std::optional<checks::Refusal> refusal, co_await letter.inspect());  // logs why
    log_info(question.queue_id + ": message-id=" +
             (letter.message_id.empty() ? "<>" : printable(letter.message_id, 200)));
    if (!refusal && !letter.discard && !letter.pass) {
        CO_TRY(milter::Verdict verdict, co_await ask_milters(work));
        refusal = heed(work, verdict);
    }
    if (refusal) {
        reply.status = refusal->status;
        reply.text = refusal->text;
    }
    reply.discard = letter.discard;
    reply.hold = letter.hold;
    reply.filter = std::move(letter.filter);
    reply.redirect = std::move(letter.redirect);
    reply.copies = std::move(letter.copies);
    reply.sender = std::move(letter.sender);
    reply.recipients = std::move(letter.recipients);
    reply.size = letter.content().size;
    co_return reply;
}

/// What is left of a milter's verdict: a refusal, or nothing.
std::optional<checks::Refusal> Cleaning::heed(Work& work, const milter::Verdict& verdict) {
    switch (verdict.kind) {
        case milter::Verdict::Kind::go_on:
            return std::nullopt;
        case milter::Verdict::Kind::discard:
            work.letter.discard = true;
            log_info(
                work.line("milter-discard", "END-OF-MESSAGE", "milter triggers DISCARD action"));
            return std::nullopt;
        case milter::Verdict::Kind::quarantine:
            work.letter.hold = true;
            log_info(work.line("milter-hold", "END-OF-MESSAGE", verdict.reason));
            return std::nullopt;
        default:
            log_info(work.line("milter-reject", "END-OF-MESSAGE",
                               verdict.reply.status + " " + verdict.reply.text));
            return checks::Refusal{verdict.reply.status, verdict.reply.text};
    }
}

/// As Postfix does for mail without a session: a client on this host that says its own name.
Task<Result<milter::Verdict>> Cleaning::ask_milters(Work& work) {
    const CleanSettings& filters = settings_.cleaning;
    CO_TRY(auto specs, milter::parse_specs(filters.milters(), filters.milter));
    if (specs.empty() || work.question.no_milters) co_return milter::Verdict();
    milter::Macros macros = [this, &work](std::string_view name) { return macro(work, name); };
    milter::Connect connect = [this](std::string place, TimePoint deadline) {
        return milter::connect_to_place(scope_, resolver_, std::move(place), deadline);
    };
    milter::Chain chain(scope_, std::move(specs), filters.milter, std::move(macros),
                        std::move(connect), settings_.message_size_limit());
    milter::Verdict verdict = co_await session(chain, work);
    chain.quit();
    co_return verdict;
}

Task<milter::Verdict> Cleaning::session(milter::Chain& chain, Work& work) {
    const std::vector<std::string> none;
    const Address here = *Address::from_ip("127.0.0.1");
    milter::Verdict held;
    milter::Verdict verdict = co_await chain.connect(milter::connect_data("localhost", here));
    if (verdict.stops()) co_return verdict;
    if (verdict.kind == milter::Verdict::Kind::quarantine) held = verdict;
    verdict = co_await chain.helo(settings_.myhostname());
    if (verdict.stops()) co_return verdict;
    verdict = co_await chain.mail("<" + smtp::to_external(work.letter.sender) + ">", none);
    if (verdict.stops()) co_return verdict;
    for (const ipc::SubmitRecipient& recipient : work.letter.recipients) {
        work.recipient = recipient.address;
        verdict = co_await chain.recipient("<" + smtp::to_external(recipient.address) + ">", none);
        if (verdict.stops()) co_return verdict;
    }
    verdict = co_await chain.data();
    if (verdict.stops()) co_return verdict;
    verdict = co_await chain.message(work.letter);
    if (verdict.kind == milter::Verdict::Kind::go_on) co_return held;
    co_return verdict;
}

std::string Cleaning::macro(const Work& work, std::string_view name) const {
    const milter::Settings& milters = settings_.cleaning.milter;
    if (name == "i") return work.question.queue_id;
    if (name == "j") return settings_.myhostname();
    if (name == "_") return "localhost [127.0.0.1]";
    if (name == "v") return milters.macro_v();
    if (name == "{daemon_name}") return milters.daemon_name();
    if (name == "{client_addr}") return "127.0.0.1";
    if (name == "{client_name}" || name == "{client_ptr}") return "localhost";
    if (name == "{client_port}") return "0";
    if (name == "{client_resolve}") return "OK";
    if (name == "{mail_addr}") return smtp::to_external(work.letter.sender);
    if (name == "{rcpt_addr}") return smtp::to_external(work.recipient);
    for (const auto& [known, text] : milter::parse_macro_defaults(milters.macro_defaults())) {
        if (known == name) return text;
    }
    return {};
}

}  // namespace facteur::policyd
