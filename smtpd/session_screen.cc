// postscreen's work: a stranger is tested before it may send mail.
#include <cstdio>

#include "lib/base/log.h"
#include "lib/base/log_as.h"
#include "lib/base/text.h"
#include "lib/event/loop.h"
#include "lib/event/sleep.h"
#include "lib/smtp/address.h"
#include "lib/smtp/command.h"
#include "smtpd/dnsbl_score.h"
#include "smtpd/session.h"

namespace facteur::smtpd {

using smtp::Reply;

namespace {

/// While a good score could end the wait early, that is looked for so often.
constexpr Milliseconds kGlance{250};
/// What is left of postscreen_greet_wait and postscreen_command_time_limit when many wait.
constexpr Seconds kStressedWait{2};
constexpr Seconds kStressedCommand{10};
/// Of what a client says, in the log.
constexpr std::size_t kMostEscaped = 100;

void note(const std::string& line) {
    log_as("postscreen", line);
}

std::int64_t seconds_now() {
    return std::chrono::duration_cast<Seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

/// "EHLO a\r\n" with its CR and LF to be seen, as Postfix's log has it.
std::string escaped(std::string_view bytes) {
    std::string text;
    for (const char c : bytes.substr(0, kMostEscaped)) {
        if (c == '\r') {
            text += "\\r";
        } else if (c == '\n') {
            text += "\\n";
        } else {
            text += c;
        }
    }
    return printable(text, 2 * kMostEscaped);
}

/// "0.05", "5.1": two digits that mean something.
std::string elapsed(TimePoint since) {
    const auto spent = std::chrono::duration_cast<Milliseconds>(Loop::current().now() - since);
    char text[32];
    const double seconds = static_cast<double>(spent.count()) / 1000;
    std::snprintf(text, sizeof text, seconds < 1 ? "%.2g" : "%.1f", seconds);
    return text;
}

Reply protocol_error() {
    return Reply{521, "5.5.1", "Protocol error"};
}

}  // namespace

/// postscreen_access_list, whose tables hold such lists without tables.
Task<Session::Standing> Session::standing() {
    for (const std::string& word : settings_.screen.access()) {
        std::vector<std::string> list(1, word);
        if (word.find(':') != std::string::npos) {
            ipc::Access question;
            question.table = word;
            question.key = client_.ip;
            auto found = co_await server_.backend.access(std::move(question));
            if (!found) log_warning("postscreen_access_list: " + found.error().text);
            list.clear();
            if (found && *found) list = conf::parse_list(**found);
        }
        for (const std::string& each : list) {
            if (iequals(each, "permit")) co_return Standing::allowed;
            if (iequals(each, "reject")) co_return Standing::denied;
            if (iequals(each, "permit_mynetworks")) {
                const bool ours = co_await server_.mynetworks.holds(server_.backend, client_);
                if (ours) co_return Standing::allowed;
            } else if (iequals(each, "dunno")) {
                if (each == word) co_return Standing::unknown;
                break;
            } else {
                log_warning("postscreen_access_list: unknown command \"" + printable(each, 64) +
                            "\"");
            }
        }
    }
    co_return Standing::unknown;
}

/// Why nobody can be tested now, or not this client.
std::optional<Reply> Session::screen_full() {
    const ScreenSettings& settings = settings_.screen;
    const std::string where = "NOQUEUE: reject: CONNECT from " + screen_->who() + ": ";
    screening_ = server_.screened.enter(client_.key);
    ++server_.screening;
    const auto most = static_cast<std::uint32_t>(settings.per_client());
    if (most > 0 && screening_ > most) {
        note(where + "too many connections");
        return Reply{421, "4.7.0", settings_.myhostname() + " Error: too many connections"};
    }
    if (server_.screening > static_cast<std::size_t>(settings.pre_queue_limit())) {
        note(where + "all screening ports busy");
        return Reply{421, "4.3.2", "All screening ports are busy"};
    }
    return std::nullopt;
}

void Session::end_screening() {
    if (screening_ == 0) return;
    screening_ = 0;
    --server_.screening;
    server_.screened.leave(client_.key);
}

/// As Postfix: when nine tenths of what can be tested at a time is.
bool Session::is_stressed() const {
    return server_.screening * 10 >
           static_cast<std::size_t>(settings_.screen.pre_queue_limit()) * 9;
}

/// False: the client was told that it is not wanted.
Task<bool> Session::screen_client() {
    const Address& server = client_.server;
    screen_ = std::make_unique<Screen>(settings_.screen, client_.address);
    note("CONNECT from " + screen_->who() + " to [" + server.ip() +
         "]:" + std::to_string(server.port()));
    std::optional<Reply> last = screen_full();
    if (!last) last = co_await first_look();
    if (last) {
        stream_.put(smtp::to_wire(*last));
        co_await stream_.flush();
        note("DISCONNECT " + screen_->who());
        co_return false;
    }
    co_return true;
}

Task<std::optional<Reply>> Session::first_look() {
    const Standing standing = co_await this->standing();
    if (standing == Standing::allowed) {
        note("ALLOWLISTED " + screen_->who());
        co_return through("");
    }
    std::optional<Reply> last;
    if (standing == Standing::denied) {
        note("DENYLISTED " + screen_->who());
        last = screen_->deny();
        if (last) co_return last;
    }
    auto known = co_await server_.backend.screened(client_.ip);
    if (!known) log_warning("postscreen cache: " + known.error().text);
    const ipc::ScreenRecord none;
    screen_->remember(known ? *known : none, seconds_now());
    if (screen_->is_through()) co_return through("PASS OLD ");
    const bool may_pass =
        co_await server_.allow_interfaces.holds_address(server_.backend, client_.server);
    if (!may_pass) {
        note("ALLOWLIST VETO " + screen_->who());
        screen_->veto();
    }
    last = co_await early_tests();
    if (last) co_return last;
    remember_client();
    if (screen_->is_through()) co_return through(screen_->is_new() ? "PASS NEW " : "PASS OLD ");
    co_return std::nullopt;
}

/// The client may talk to the server proper.
std::optional<Reply> Session::through(std::string_view line) {
    if (!line.empty()) note(std::string(line) + screen_->who());
    const std::string who = screen_->who();
    screen_.reset();
    end_screening();
    if (server_.sessions.size() - server_.screening <=
        static_cast<std::size_t>(settings_.screen.post_queue_limit()))
        return std::nullopt;
    screen_ = std::make_unique<Screen>(settings_.screen, client_.address);
    note("NOQUEUE: reject: CONNECT from " + who + ": all server ports busy");
    return Reply{421, "4.3.2", "All server ports are busy"};
}

void Session::remember_client() {
    auto record = screen_->record();
    if (!record) return;
    record->client_address = client_.ip;
    server_.backend.remember_screened(*std::move(record));
}

/// Silence before the greeting, and what the DNS lists say meanwhile.
Task<std::optional<Reply>> Session::early_tests() {
    const TimePoint begun = Loop::current().now();
    const Seconds patience = is_stressed() ? kStressedWait : settings_.screen.greet_wait();
    const TimePoint end = begun + patience;
    std::shared_ptr<DnsblScore> score;
    if (screen_->to_do(ScreenTest::dnsbl))
        score = DnsblScore::begin(server_.scope, server_.backend, settings_.screen,
                                  server_.dnsbl_sites, client_.address);
    const std::string& banner = settings_.screen.greet_banner();
    const bool wants_silence = screen_->to_do(ScreenTest::pregreet);
    if (wants_silence && !banner.empty()) {
        stream_.put("220-" + banner + "\r\n");
        co_await stream_.flush();
    }
    std::optional<Reply> last;
    if (wants_silence) last = co_await expect_silence(begun, end, score.get());
    if (last || !score) co_return last;
    co_await score->wait(stream_.scope(), end);
    co_return co_await judge_score(*score);
}

/// True: everything was said that could keep the client waiting, and nothing speaks against it.
bool Session::is_well_known(const DnsblScore* score) const {
    const int threshold = settings_.screen.dnsbl_allow_threshold();
    return score && threshold < 0 && score->done() && score->score() <= threshold;
}

Task<std::optional<Reply>> Session::expect_silence(TimePoint begun, TimePoint end,
                                                   const DnsblScore* score) {
    const bool may_end_early = score && settings_.screen.dnsbl_allow_threshold() < 0;
    std::string said;
    for (TimePoint now = begun; now < end && said.empty(); now = Loop::current().now()) {
        if (is_well_known(score)) break;
        const auto left = std::chrono::duration_cast<Milliseconds>(end - now) + Milliseconds(1);
        stream_.set_deadline(may_end_early ? std::min(left, kGlance) : left);
        try {
            said = co_await stream_.peek();
        } catch (const TimedOut&) {
        } catch (const Closed&) {
            note("HANGUP after " + elapsed(begun) + " from " + screen_->who() +
                 " in tests before SMTP handshake");
            throw;
        }
    }
    stream_.set_deadline(settings_.limits.timeout());
    if (said.empty() && Loop::current().now() < end) co_return std::nullopt;
    if (said.empty()) {
        screen_->pass(ScreenTest::pregreet, seconds_now() + settings_.screen.greet_ttl().count());
        co_return std::nullopt;
    }
    note("PREGREET " + std::to_string(said.size()) + " after " + elapsed(begun) + " from " +
         screen_->who() + ": " + escaped(said));
    co_return screen_->fail(ScreenTest::pregreet, seconds_now(), protocol_error());
}

Task<std::optional<Reply>> Session::judge_score(const DnsblScore& score) {
    const std::int64_t until = seconds_now() + score.ttl(settings_.screen).count();
    if (is_well_known(&score) && !screen_->failed()) {
        screen_->pass_all(until);
        co_return std::nullopt;
    }
    if (score.score() < settings_.screen.dnsbl_threshold()) {
        screen_->pass(ScreenTest::dnsbl, until);
        co_return std::nullopt;
    }
    note("DNSBL rank " + std::to_string(score.score()) + " for " + screen_->who());
    ipc::Lookup question;
    question.tables = settings_.screen.dnsbl_reply_map();
    question.key = score.domain();
    std::string domain = score.domain();
    auto public_name = co_await server_.backend.lookup(std::move(question));
    if (public_name && *public_name) domain = **public_name;
    const Reply reply{
        521, "5.7.1",
        "Service unavailable; client [" + client_.ip + "] blocked using " + printable(domain, 255)};
    co_return screen_->fail(ScreenTest::dnsbl, seconds_now(), reply);
}

/// The deep tests, and the rules for a client whose mail is refused; a reply is the last one.
std::optional<Reply> Session::screen_command(const Line& line) {
    const std::string after = " from " + screen_->who() + " after " + std::string(last_verb_);
    const std::int64_t now = seconds_now();
    const std::string_view verb = smtp::split_command(line.text).verb;
    std::optional<Reply> last;
    if (screen_->verdict()) {
        screen_->count_command();
        if (screen_->commands() > settings_.screen.command_limit()) {
            note("COMMAND COUNT LIMIT" + after);
            return Reply{421, "4.7.0", settings_.myhostname() + " Error: too many commands"};
        }
    }
    if (screen_->to_do(ScreenTest::bare_newline) && line.end == Line::End::lf) {
        note("BARE NEWLINE" + after);
        last = screen_->fail(ScreenTest::bare_newline, now, protocol_error());
    }
    for (const std::string& forbidden : settings_.screen.forbidden_commands()) {
        if (last || !screen_->to_do(ScreenTest::non_smtp) || !iequals(verb, forbidden)) continue;
        note("NON-SMTP COMMAND" + after + ": " + escaped(line.text));
        last = screen_->fail(ScreenTest::non_smtp, now,
                             Reply{521, "5.7.0", "Error: I can break rules, too. Goodbye."});
    }
    if (!last && screen_->to_do(ScreenTest::pipelining) && stream_.buffered() &&
        !iequals(verb, "QUIT")) {
        note("COMMAND PIPELINING from " + screen_->who() + " after " +
             to_upper(printable(verb, 32)));
        last = screen_->fail(ScreenTest::pipelining, now, protocol_error());
    }
    return last;
}

/// A client came as far as RCPT: the deep tests are over.  The refusal, or nothing: it may go on.
std::optional<Reply> Session::screen_recipient(std::string_view arguments) {
    if (!screen_) return std::nullopt;
    screen_->pass_deep(seconds_now());
    remember_client();
    if (screen_->is_through()) return through(screen_->is_new() ? "PASS NEW " : "PASS OLD ");
    if (!screen_->verdict()) return std::nullopt;
    const Reply& reply = *screen_->verdict();
    std::string_view path = arguments;
    smtp::take_keyword(path, "TO:", false);
    std::string recipient(trim(path));
    if (auto parsed = parse_rcpt(arguments)) recipient = '<' + parsed->address + '>';
    note("NOQUEUE: reject: RCPT from " + screen_->who() + ": " + smtp::to_line(reply) + "; from=<" +
         smtp::to_external(transaction_->sender) + ">, to=" + printable(recipient, 320) +
         ", proto=" + client_.protocol(false) + ", helo=<" + client_.helo + ">");
    return reply;
}

Milliseconds Session::command_patience() const {
    if (!is_screened_out()) return settings_.limits.timeout();
    if (is_stressed()) return kStressedCommand;
    return settings_.screen.command_time();
}

}  // namespace facteur::smtpd
