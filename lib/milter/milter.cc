#include "lib/milter/milter.h"

#include <algorithm>

#include <sys/mman.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"

namespace facteur::milter {
namespace {

/// MILTER_CHUNK_SIZE: no milter takes more of a body at a time.
constexpr std::uint64_t kChunk = 65535;
/// What is sent ahead of an answer that will not come.
constexpr std::size_t kMostPending = 262144;

/// The flags that say whether a command is sent, and whether it is answered.
struct Flags {
    std::uint32_t skipped;
    std::uint32_t quiet;
};
Flags flags_of(Command command) {
    switch (command) {
        case Command::connect:
            return {no_connect, no_connect_reply};
        case Command::helo:
            return {no_helo, no_helo_reply};
        case Command::mail:
            return {no_mail, no_mail_reply};
        case Command::recipient:
            return {no_recipient, no_recipient_reply};
        case Command::data:
            return {no_data, no_data_reply};
        case Command::unknown:
            return {no_unknown, no_unknown_reply};
        case Command::header:
            return {no_headers, no_header_reply};
        case Command::end_of_headers:
            return {no_end_of_headers, no_end_of_headers_reply};
        case Command::body:
            return {no_body, no_body_reply};
        default:
            return {0, 0};
    }
}

/// Commands that a milter of this version does not know at all.
bool is_known(Command command, std::uint32_t version) {
    if (command == Command::unknown) return version >= 3;
    if (command == Command::data) return version >= 4;
    return true;
}

Verdict refusal(int code, std::string status, std::string text) {
    Verdict verdict;
    verdict.kind = Verdict::Kind::refuse;
    verdict.reply = ReplyText{code, std::move(status), std::move(text)};
    return verdict;
}

Verdict later() {
    return refusal(451, "4.7.1", "Service unavailable - try again later");
}

Verdict ending() {
    Verdict verdict = later();
    verdict.kind = Verdict::Kind::shutdown;
    verdict.reply.code = 421;
    return verdict;
}

Milliseconds milliseconds(std::chrono::seconds time) {
    return std::chrono::duration_cast<Milliseconds>(time);
}

/// Which of a milter's permissions a change needs.
std::uint32_t permission(Kind kind) {
    switch (kind) {
        case Kind::add_header:
        case Kind::insert_header:
            return add_headers;
        case Kind::change_header:
            return change_headers;
        case Kind::replace_body:
            return change_body;
        case Kind::change_sender:
            return change_sender;
        case Kind::add_recipient:
            return add_recipients | add_recipients_with_parameters;
        case Kind::delete_recipient:
            return delete_recipients;
        case Kind::quarantine:
            return quarantine;
        default:
            return 0;
    }
}

}  // namespace

MacroNames macro_names(const Settings& settings) {
    MacroNames names(kStages);
    const auto put = [&](Stage stage, const std::vector<std::string>& list) {
        names[static_cast<std::size_t>(stage)] = list;
    };
    put(Stage::connect, settings.connect_macros());
    put(Stage::helo, settings.helo_macros());
    put(Stage::mail, settings.mail_macros());
    put(Stage::recipient, settings.rcpt_macros());
    put(Stage::data, settings.data_macros());
    put(Stage::end_of_header, settings.end_of_header_macros());
    put(Stage::end_of_message, settings.end_of_data_macros());
    put(Stage::unknown, settings.unknown_macros());
    return names;
}

Milter::Milter(Scope& scope, Spec spec, const MacroNames& names, const Macros& macros,
               Limits limits)
    : scope_(scope),
      spec_(std::move(spec)),
      names_(names),
      macros_(macros),
      limits_(limits),
      chosen_(kStages),
      has_chosen_(kStages, false) {}

const std::vector<std::string>& Milter::names_for(Stage stage) const {
    const auto place = static_cast<std::size_t>(stage);
    return has_chosen_[place] ? chosen_[place] : names_[place];
}

bool Milter::wants_macro(Stage stage, std::string_view name) const {
    const auto& list = names_for(stage);
    return listens() && std::find(list.begin(), list.end(), name) != list.end();
}

/// The session goes on as if it had said what default_action says.
Verdict Milter::fail(const std::string& why) {
    log_warning("milter " + spec_.place + ": " + why);
    stream_.reset();
    Verdict verdict;
    switch (spec_.otherwise) {
        case DefaultAction::accept:
            break;
        case DefaultAction::reject:
            verdict = refusal(550, "5.5.0", "Service unavailable");
            break;
        case DefaultAction::tempfail:
            verdict = later();
            break;
        case DefaultAction::quarantine:
            verdict.kind = Verdict::Kind::quarantine;
            verdict.reason = "milter " + spec_.place + " failed";
            break;
        case DefaultAction::shutdown:
            verdict = ending();
            break;
    }
    sticky_ = verdict;
    return verdict;
}

Task<Result<void>> Milter::open(const Connect& connect) {
    const TimePoint deadline = Loop::current().now() + spec_.connect_timeout;
    CO_TRY(Fd socket, co_await connect(spec_.place, deadline));
    stream_ = std::make_unique<Stream>(scope_, std::move(socket));
    const Terms offered = offer(spec_.version);
    stream_->put(negotiation(offered));
    std::string failure;
    try {
        stream_->set_deadline(milliseconds(spec_.connect_timeout));
        co_await stream_->flush();
        std::string packet = co_await stream_->read_exactly(5);
        std::uint32_t size = 0;
        for (int i = 0; i < 4; ++i)
            size = size << 8 | static_cast<unsigned char>(packet[static_cast<std::size_t>(i)]);
        if (packet[4] != 'O' || size < 1 || size > limits_.packet)
            co_return permanent("no answer to the negotiation of terms");
        const std::string data = co_await stream_->read_exactly(size - 1);
        CO_TRY(terms_, parse_negotiation(data, offered));
        for (const auto& [stage, list] : terms_.macros) {
            if (stage >= kStages - 1) continue;
            has_chosen_[stage] = true;
            for (const std::string_view word : words(list))
                chosen_[stage].emplace_back(word);
        }
        co_return Result<void>();
    } catch (const Cancelled&) {
        throw;
    } catch (const TimedOut&) {
        failure = "timed out";
    } catch (const Disconnect&) {
        failure = "connection lost";
    }
    co_return temporary("negotiation: " + failure);
}

Task<Verdict> Milter::connect(const Connect& connect, std::string client) {
    Result<void> opened = co_await open(connect);
    if (!opened) co_return fail(opened.error().text);
    co_return co_await command(Stage::connect, Command::connect, std::move(client));
}

Task<Verdict> Milter::command(Stage stage, Command command, std::string data) {
    if (command == Command::mail) {
        accepted_message_ = false;
        in_message_ = true;
    }
    co_return co_await say(stage, command, std::move(data));
}

/// Sent without a value too: what a milter heard before of this stage is no longer true.
void Milter::put_macros(Stage stage, Command command) {
    if (names_for(stage).empty()) return;
    std::string data(1, static_cast<char>(command));
    for (const std::string& name : names_for(stage)) {
        const std::string value = macros_(name);
        if (value.empty()) continue;
        put_string(data, name);
        put_string(data, value);
    }
    stream_->put(packet(Command::macros, data));
}

Task<Verdict> Milter::say(Stage stage, Command command, std::string data) {
    if (sticky_) co_return *sticky_;
    Verdict verdict;
    const Flags flags = flags_of(command);
    if (!listens() || has(flags.skipped) || !is_known(command, terms_.version)) co_return verdict;
    put_macros(stage, command);
    stream_->put(packet(command, data));
    const bool is_content = command == Command::header || command == Command::body ||
                            command == Command::end_of_headers;
    const bool quiet = has(flags.quiet);
    if (quiet && stream_->pending() < kMostPending) co_return verdict;
    std::string failure;
    try {
        stream_->set_deadline(
            milliseconds(is_content ? spec_.content_timeout : spec_.command_timeout));
        co_await stream_->flush();
        if (quiet) co_return verdict;
        Result<Answer> got = co_await answer();
        if (got) co_return interpret(command, *got);
        failure = got.error().text;
    } catch (const Cancelled&) {
        throw;
    } catch (const TimedOut&) {
        failure = "timed out";
    } catch (const Disconnect&) {
        failure = "connection lost";
    }
    co_return fail(failure + " after command " + static_cast<char>(command));
}

/// The next answer that is not "wait".
Task<Result<Answer>> Milter::answer() {
    for (;;) {
        const std::string head = co_await stream_->read_exactly(5);
        std::uint32_t size = 0;
        for (int i = 0; i < 4; ++i)
            size = size << 8 | static_cast<unsigned char>(head[static_cast<std::size_t>(i)]);
        if (size < 1 || size > limits_.packet)
            co_return permanent("an answer of " + std::to_string(size) + " bytes");
        std::string data;
        if (size > 1) data = co_await stream_->read_exactly(size - 1);
        CO_TRY(Answer one, parse_answer(head[4], data));
        if (one.kind != Kind::progress) co_return one;
        stream_->set_deadline(milliseconds(spec_.content_timeout));
    }
}

Verdict Milter::interpret(Command command, const Answer& answer) {
    const bool of_session = command == Command::connect || command == Command::helo;
    Verdict verdict;
    switch (answer.kind) {
        case Kind::go_on:
            return verdict;
        case Kind::accept:
            (of_session ? accepted_session_ : accepted_message_) = true;
            return verdict;
        case Kind::reject:
            verdict = refusal(550, "5.7.1", "Command rejected");
            break;
        case Kind::tempfail:
            verdict = later();
            break;
        case Kind::reply_code: {
            auto text = parse_reply_text(answer.value);
            if (!text) return fail(text.error().text);
            verdict.kind = text->code == 421 ? Verdict::Kind::shutdown : Verdict::Kind::refuse;
            verdict.reply = *std::move(text);
            break;
        }
        case Kind::shutdown:
        case Kind::connection_failed:
            verdict = ending();
            break;
        case Kind::discard:
            if (of_session) return fail("it discards a session");
            verdict.kind = Verdict::Kind::discard;
            accepted_message_ = true;
            return verdict;
        case Kind::skip:
            if (command != Command::body) return fail("it skips what is no body");
            skips_body_ = true;
            return verdict;
        default:
            return fail(std::string("a change in answer to command ") + static_cast<char>(command));
    }
    if (of_session) sticky_ = verdict;
    return verdict;
}

Task<Verdict> Milter::send_headers(const HeaderList& header) {
    Verdict verdict;
    if (!listens() || has(no_headers)) co_return verdict;
    for (const HeaderList::Field& field : header.fields()) {
        if (field.hidden) continue;
        std::string data;
        put_string(data, field.name());
        std::string_view value = field.value();
        while (!has(leading_space) && !value.empty() && is_space(value.front()))
            value.remove_prefix(1);
        put_string(data, value);
        verdict = co_await say(Stage::end_of_header, Command::header, std::move(data));
        if (verdict.stops() || !listens()) co_return verdict;
    }
    co_return verdict;
}

Task<Verdict> Milter::send_body(checks::Source source, std::uint64_t from) {
    Verdict verdict;
    skips_body_ = false;
    if (!listens() || has(no_body)) co_return verdict;
    for (std::uint64_t at = from; at < source.size && !skips_body_;) {
        std::string block(std::min(kChunk, source.size - at), '\0');
        Result<void> read = checks::read_at(source.fd, block, source.base + at);
        if (!read) co_return later();
        at += block.size();
        verdict = co_await say(Stage::end_of_message, Command::body, std::move(block));
        if (verdict.stops() || !listens()) co_return verdict;
    }
    co_return verdict;
}

Task<Verdict> Milter::content(checks::Source source, const HeaderList& header, Changes& changes) {
    if (sticky_) co_return *sticky_;
    Verdict verdict = co_await send_headers(header);
    if (verdict.stops() || !listens()) co_return verdict;
    verdict = co_await say(Stage::end_of_header, Command::end_of_headers, std::string());
    if (verdict.stops() || !listens()) co_return verdict;
    verdict = co_await send_body(source, header.body());
    if (verdict.stops() || !listens()) co_return verdict;
    co_return co_await finish(changes);
}

Task<Verdict> Milter::finish(Changes& changes) {
    changes.leading_space = has(leading_space);
    put_macros(Stage::end_of_message, Command::end_of_body);
    stream_->put(packet(Command::end_of_body));
    std::string failure;
    try {
        stream_->set_deadline(milliseconds(spec_.content_timeout));
        co_await stream_->flush();
        Result<Answer> last = co_await collect(changes);
        if (last) {
            in_message_ = false;  // it ended the message itself
            co_return interpret(Command::end_of_body, *last);
        }
        failure = last.error().text;
    } catch (const Cancelled&) {
        throw;
    } catch (const TimedOut&) {
        failure = "timed out";
    } catch (const Disconnect&) {
        failure = "connection lost";
    }
    changes = Changes();
    co_return fail(failure + " at the end of the message");
}

/// Changes, up to the answer that is none.
Task<Result<Answer>> Milter::collect(Changes& changes) {
    for (;;) {
        CO_TRY(Answer one, co_await answer());
        const std::uint32_t needed = permission(one.kind);
        if (needed == 0) co_return one;
        if ((terms_.actions & needed) == 0)
            co_return permanent("a change that it did not announce");
        CO_TRY_VOID(take_change(std::move(one), changes));
        stream_->set_deadline(milliseconds(spec_.content_timeout));
    }
}

Result<void> Milter::take_change(Answer answer, Changes& changes) {
    if (answer.kind != Kind::replace_body) {
        if (changes.answers.size() >= limits_.changes) return permanent("too many changes");
        changes.answers.push_back(std::move(answer));
        return {};
    }
    if (!changes.body) {
        changes.body.reset(memfd_create("body", MFD_CLOEXEC));
        if (!changes.body) return system_error("memfd_create");
    }
    if (limits_.body > 0 && changes.body_size + answer.value.size() > limits_.body)
        return permanent("a new body that is too long");
    TRY_VOID(checks::write_at(changes.body.get(), answer.value, changes.body_size));
    changes.body_size += answer.value.size();
    return {};
}

void Milter::end_message(bool completed) {
    if (in_message_ && stream_ && !completed) stream_->put(packet(Command::abort));
    in_message_ = false;
    accepted_message_ = false;
}

void Milter::quit() {
    if (!stream_) return;
    end_message(false);
    stream_->put(packet(Command::quit));
    stream_->close();  // sends what it can at once
    stream_.reset();
}

}  // namespace facteur::milter
