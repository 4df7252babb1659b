#include "lib/milter/chain.h"

#include "lib/base/log.h"
#include "lib/base/text.h"

namespace facteur::milter {
namespace {

std::string with_parameters(const std::string& address,
                            const std::vector<std::string>& parameters) {
    std::string data;
    put_string(data, address);
    for (const std::string& parameter : parameters)
        put_string(data, parameter);
    return data;
}

/// "Name: value" as a milter means it: LF between lines, each but the first folded.
std::string field_text(const Answer& answer, bool leading_space) {
    std::string text = answer.name + ":";
    if (!leading_space) text += ' ';
    for (std::size_t i = 0; i < answer.value.size(); ++i) {
        const char c = answer.value[i];
        if (c == '\r') continue;
        text += c;
        // A line that is not folded would be a field of its own, or the end of the header.
        const bool folds = i + 1 < answer.value.size() &&
                           (answer.value[i + 1] == ' ' || answer.value[i + 1] == '\t');
        if (c == '\n' && !folds) text += '\t';
    }
    while (text.ends_with('\n') || text.ends_with("\n\t"))
        text.pop_back();
    return text;
}

}  // namespace

// The letters are those of mfapi.h's SMFIA_*.
std::string connect_data(const std::string& name, const Address& client) {
    std::string data;
    put_string(data, name);
    const auto family = client.family();
    if (family == Address::Family::none) return data + 'U';
    data += family == Address::Family::ipv4 ? '4' : family == Address::Family::ipv6 ? '6' : 'L';
    const std::uint16_t port = client.port();
    data += static_cast<char>(port >> 8);
    data += static_cast<char>(port & 0xFF);
    put_string(data, client.ip());
    return data;
}

Chain::Chain(Scope& scope, std::vector<Spec> specs, const Settings& settings, Macros macros,
             Connect connect, std::uint64_t message_limit)
    : names_(macro_names(settings)), macros_(std::move(macros)), connect_(std::move(connect)) {
    Milter::Limits limits;
    limits.packet = settings.packet_limit();
    limits.changes = static_cast<std::size_t>(settings.change_limit());
    limits.body = message_limit;
    for (Spec& spec : specs)
        milters_.push_back(
            std::make_unique<Milter>(scope, std::move(spec), names_, macros_, limits));
}

Chain::~Chain() {
    quit();
}

void Chain::quit() {
    for (const auto& milter : milters_)
        milter->quit();
}

void Chain::end_message() {
    for (const auto& milter : milters_)
        milter->end_message(false);
}

bool Chain::wants_macro(Stage stage, std::string_view name) const {
    for (const auto& milter : milters_)
        if (milter->wants_macro(stage, name)) return true;
    return false;
}

bool Chain::wants_rejected_recipients() const {
    for (const auto& milter : milters_)
        if (milter->wants_rejected_recipients()) return true;
    return false;
}

Task<Verdict> Chain::connect(std::string client) {
    Verdict held;
    for (const auto& milter : milters_) {
        Verdict verdict = co_await milter->connect(connect_, client);
        if (verdict.stops()) co_return verdict;
        if (verdict.kind == Verdict::Kind::quarantine) held = std::move(verdict);
    }
    co_return held;
}

Task<Verdict> Chain::all(Stage stage, Command command, std::string data) {
    Verdict held;
    for (const auto& milter : milters_) {
        Verdict verdict = co_await milter->command(stage, command, data);
        if (verdict.stops()) co_return verdict;
        if (verdict.kind == Verdict::Kind::quarantine) held = std::move(verdict);
    }
    co_return held;
}

Task<Verdict> Chain::helo(std::string name) {
    std::string data;
    put_string(data, name);
    co_return co_await all(Stage::helo, Command::helo, std::move(data));
}

Task<Verdict> Chain::mail(std::string address, std::vector<std::string> parameters) {
    co_return co_await all(Stage::mail, Command::mail, with_parameters(address, parameters));
}

Task<Verdict> Chain::recipient(std::string address, std::vector<std::string> parameters) {
    co_return co_await all(Stage::recipient, Command::recipient,
                           with_parameters(address, parameters));
}

Task<void> Chain::rejected_recipient(std::string address, std::vector<std::string> parameters) {
    const std::string data = with_parameters(address, parameters);
    for (const auto& milter : milters_) {
        if (!milter->wants_rejected_recipients()) continue;
        Verdict ignored = co_await milter->command(Stage::recipient, Command::recipient, data);
    }
}

Task<Verdict> Chain::data() {
    co_return co_await all(Stage::data, Command::data, std::string());
}

Verdict Chain::standing() const {
    for (const auto& milter : milters_) {
        if (milter->standing() && milter->standing()->stops()) return *milter->standing();
    }
    return {};
}

Task<Verdict> Chain::unknown(std::string command) {
    std::string data;
    put_string(data, command);
    co_return co_await all(Stage::unknown, Command::unknown, std::move(data));
}

/// Each milter sees what the one before it made of the message.
Task<Verdict> Chain::message(Message& message) {
    Verdict held;
    for (const auto& milter : milters_) {
        Result<Verdict> verdict = co_await one_message(*milter, message);
        if (!verdict) {
            log_warning("milter " + milter->spec().place + ": " + verdict.error().text);
            Verdict failed;
            failed.kind = Verdict::Kind::refuse;
            failed.reply = ReplyText{451, "4.3.0", "Error: queue file write error"};
            co_return failed;
        }
        if (verdict->stops()) co_return *std::move(verdict);
        if (verdict->kind == Verdict::Kind::quarantine) held = *std::move(verdict);
        if (auto decided = message.decided()) co_return *std::move(decided);
    }
    co_return held;
}

Task<Result<Verdict>> Chain::one_message(Milter& milter, Message& message) {
    CO_TRY(HeaderList header, HeaderList::read(message.content(), message.own_trace()));
    Changes changes;
    Verdict verdict = co_await milter.content(message.content(), header, changes);
    if (verdict.stops()) co_return verdict;
    CO_TRY(Verdict wanted, co_await change(message, header, changes));
    if (wanted.kind != Verdict::Kind::go_on) co_return wanted;
    co_return verdict;
}

Task<Result<Verdict>> Chain::change(Message& message, HeaderList& header, Changes& changes) {
    Verdict verdict;
    for (Answer& answer : changes.answers) {
        switch (answer.kind) {
            case Kind::change_sender:
                message.change_sender(std::move(answer.name), std::move(answer.value));
                break;
            case Kind::add_recipient:
                message.add_recipient(std::move(answer.name), std::move(answer.value));
                break;
            case Kind::delete_recipient:
                message.delete_recipient(answer.name);
                break;
            case Kind::quarantine:
                verdict.kind = Verdict::Kind::quarantine;
                verdict.reason = printable(answer.value, 200);
                break;
            default:
                CO_TRY_VOID(co_await change_header(message, header, answer, changes.leading_space));
        }
    }
    checks::Edits edits = header.edits();
    const bool needs_line = changes.body && !header.has_empty_line();
    if (needs_line) edits.push_back(checks::Edit{header.end(), 0, "\r\n"});
    std::uint64_t body = header.body();
    for (const checks::Edit& edit : edits)
        body = body + edit.text.size() - edit.size;
    CO_TRY_VOID(message.edit(edits));
    if (changes.body) {
        const checks::Source source{changes.body.get(), 0, changes.body_size};
        CO_TRY_VOID(message.replace_body(body, source));
    }
    co_return verdict;
}

Task<Result<void>> Chain::change_header(Message& message, HeaderList& header, const Answer& answer,
                                        bool leading_space) {
    if (answer.kind == Kind::change_header && answer.value.empty()) {
        header.remove(answer.index, answer.name);
        co_return Result<void>();
    }
    CO_TRY(auto field, co_await message.check_header(field_text(answer, leading_space)));
    if (!field) co_return Result<void>();
    if (answer.kind == Kind::add_header) header.add(*std::move(field));
    if (answer.kind == Kind::insert_header) header.insert(answer.index, *std::move(field));
    if (answer.kind == Kind::change_header)
        header.change(answer.index, answer.name, *std::move(field));
    co_return Result<void>();
}

}  // namespace facteur::milter
