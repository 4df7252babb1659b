#include "lib/checks/inspect.h"

#include <algorithm>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/mime/header.h"

namespace facteur::checks {
namespace {

/// Of fields whose addresses may be rewritten, all together.
constexpr std::size_t kMostAddresses = std::size_t{4} << 20;

constexpr std::string_view kAddressFields[] = {
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Resent-From",
    "Resent-To",
    "Resent-Cc",
    "Resent-Bcc",
    "Errors-To",
    "Resent-Sender",
    "Resent-Reply-To",
    "Return-Path",
    "Apparently-To",
    "Return-Receipt-To",
    "Disposition-Notification-To",
    "Mail-Followup-To",
    "Mail-Reply-To",
};

std::string_view part_name(Kind kind) {
    return kind == Kind::body ? "body" : "header";
}

bool is_one_of(std::string_view name, const auto& names) {
    return std::any_of(std::begin(names), std::end(names),
                       [&](std::string_view each) { return iequals(each, name); });
}

std::string_view line_end(const Item& item) {
    return item.ends_line || item.kind != Kind::body ? "\r\n" : "";
}

/// The lines of a folded field, and of what a table says, end in CR LF in the content.
std::string on_the_wire(std::string_view text) {
    return replace_all(std::string(text), "\n", "\r\n");
}

void add_edit(Edits& edits, Edit edit) {
    if (!edits.empty()) {
        Edit& last = edits.back();
        if (last.text.empty() && edit.text.empty() && last.at + last.size == edit.at) {
            last.size += edit.size;
            return;
        }
    }
    edits.push_back(std::move(edit));
}

/// Collects what the walker finds, until somebody has asked the tables about it.
class Collector : public Sink {
public:
    explicit Collector(const Options& options) : options_(options) {}
    bool wants_body(std::uint64_t offset) const override {
        return !options_.tables.body.empty() && offset < options_.body_limit;
    }
    void found(Item item) override {
        const bool wanted = item.primary || !options_.tables.of(item.kind).empty();
        if (wanted) items.push_back(std::move(item));
    }
    std::vector<Item> items;

private:
    const Options& options_;
};

class Inspection {
public:
    Inspection(const Options& options, const LookUp& look_up, const Tell& tell)
        : options_(options),
          look_up_(look_up),
          tell_(tell),
          collector_(options),
          walker_(options.walker, collector_) {}

    Task<Result<Outcome>> run(Source source);

private:
    Task<Result<void>> settle();
    Task<Result<void>> ask(Kind kind, std::vector<std::string>& answers);
    void settle(Item& item, const std::string& answer);
    void keep(const Item& item, const std::string& text);
    bool forbidden(std::string_view block);
    void judge_faults();
    bool ended() const { return outcome_.refusal || outcome_.discard || outcome_.pass; }

    const Options& options_;
    const LookUp& look_up_;
    const Tell& tell_;
    Collector collector_;
    Walker walker_;
    Outcome outcome_;
    std::size_t kept_ = 0;
    bool checking_ = true;  ///< PASS was not said
};

Task<Result<Outcome>> Inspection::run(Source source) {
    std::string block;
    for (std::uint64_t at = 0; at < source.size && !outcome_.refusal && !outcome_.discard;) {
        block.resize(std::min(kBlock, source.size - at));
        CO_TRY_VOID(read_at(source.fd, block, source.base + at));
        at += block.size();
        if (forbidden(block)) break;
        walker_.feed(block);
        if (at == source.size) walker_.finish();
        CO_TRY_VOID(co_await settle());
        judge_faults();
        const bool header_only = options_.header_only() || !checking_;
        if (header_only && !walker_.in_header()) break;
    }
    outcome_.header_end = walker_.header_end();
    co_return std::move(outcome_);
}

/// Asks about everything that was found since the last time, a question for each kind.
Task<Result<void>> Inspection::settle() {
    std::vector<std::string> answers(collector_.items.size());
    if (checking_) {
        for (const Kind kind : {Kind::header, Kind::mime, Kind::nested, Kind::body}) {
            CO_TRY_VOID(co_await ask(kind, answers));
        }
    }
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (outcome_.refusal || outcome_.discard) break;
        if (!checking_) answers[i].clear();
        settle(collector_.items[i], answers[i]);
    }
    collector_.items.clear();
    co_return Result<void>();
}

Task<Result<void>> Inspection::ask(Kind kind, std::vector<std::string>& answers) {
    ipc::LookupMany question;
    question.tables = options_.tables.of(kind);
    if (question.tables.empty()) co_return Result<void>();
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < collector_.items.size(); ++i) {
        if (collector_.items[i].kind != kind) continue;
        places.push_back(i);
        question.keys.push_back(collector_.items[i].text);
    }
    if (places.empty()) co_return Result<void>();
    CO_TRY(ipc::LookupManyReply reply, co_await look_up_(std::move(question)));
    for (std::size_t i = 0; i < reply.found.size() && i < reply.values.size(); ++i) {
        if (reply.found[i] < places.size())
            answers[places[reply.found[i]]] = std::move(reply.values[i]);
    }
    co_return Result<void>();
}

void Inspection::settle(Item& item, const std::string& answer) {
    const std::size_t edits = outcome_.edits.size();
    std::optional<Action> action;
    if (!answer.empty()) {
        auto parsed = parse_action(answer, item.kind != Kind::body, options_.place);
        if (parsed) action = *std::move(parsed);
        if (!parsed)
            log_warning(std::string(part_name(item.kind)) + " checks: " + parsed.error().text);
    }
    if (action && !act(*action, item, outcome_, tell_)) checking_ = false;
    if (!item.primary || outcome_.refusal || outcome_.discard) return;
    const bool gone = action && (action->verb == Verb::ignore || action->verb == Verb::strip);
    if (gone) return;
    const bool replaced = action && action->verb == Verb::replace;
    const std::string& text = replaced ? action->text : item.text;
    if (is_one_of(text.substr(0, field_name_length(text)), options_.drop)) {
        if (replaced) outcome_.edits.resize(edits);
        add_edit(outcome_.edits, Edit{item.at, item.size, {}});
        return;
    }
    keep(item, text);
}

void Inspection::keep(const Item& item, const std::string& text) {
    outcome_.header.note(text);
    const std::string_view name = std::string_view(text).substr(0, field_name_length(text));
    if (!is_one_of(name, kAddressFields) || kept_ + text.size() > kMostAddresses) return;
    kept_ += text.size();
    outcome_.addresses.push_back(AddressField{item.at, item.size, text});
}

bool Inspection::forbidden(std::string_view block) {
    if (options_.reject_characters.empty()) return false;
    const std::size_t at = block.find_first_of(options_.reject_characters);
    if (at == std::string_view::npos) return false;
    const int code = static_cast<unsigned char>(block[at]);
    Event event{"reject", "character", std::to_string(code), "5.7.1 disallowed character"};
    tell_(event);
    outcome_.refusal = Refusal{"5.7.1", "disallowed character"};
    return true;
}

void Inspection::judge_faults() {
    if (walker_.fault() == Fault::none || ended()) return;
    const std::string text(fault_text(walker_.fault()));
    Event event{"reject", "mime-error", text + ": " + walker_.fault_context(), ""};
    tell_(event);
    outcome_.refusal = Refusal{"5.6.0", text};
}

}  // namespace

const std::vector<std::string>& TableNames::of(Kind kind) const {
    switch (kind) {
        case Kind::header:
            return header;
        case Kind::mime:
            return mime;
        case Kind::nested:
            return nested;
        case Kind::body:
            break;
    }
    return body;
}

bool Options::header_only() const {
    return tables.body.empty() && tables.mime.empty() && tables.nested.empty() &&
           !walker.report_eight_bit_header && !walker.report_eight_bit_body &&
           !walker.report_encoding_domain && !walker.report_nesting && reject_characters.empty();
}

void HeaderFacts::note(std::string_view field) {
    std::string_view name = field.substr(0, field_name_length(field));
    const bool again = istarts_with(name, "Resent-");
    resent |= again;
    if (again) name.remove_prefix(7);
    if (iequals(name, "Date")) (again ? resent_date : date) = true;
    if (iequals(name, "From")) (again ? resent_from : from) = true;
    if (iequals(name, "To") || iequals(name, "Cc")) recipient = true;
    if (!iequals(name, "Message-ID")) return;
    (again ? resent_message_id : message_id) = true;
    if (!again) id = trim(mime::unfold(field.substr(field.find(':') + 1)));
}

bool act(const Action& action, const Item& item, Outcome& outcome, const Tell& tell) {
    const auto told = [&](std::string_view name, std::string text) {
        tell(Event{name, part_name(item.kind), printable(item.text, 200), std::move(text)});
    };
    Edits& edits = outcome.edits;
    const std::string with_end = on_the_wire(action.text).append(line_end(item));
    switch (action.verb) {
        case Verb::dunno:
            return true;
        case Verb::reject:
            outcome.refusal = refusal_of(action);
            told("reject", outcome.refusal->status + " " + outcome.refusal->text);
            return false;
        case Verb::discard:
            outcome.discard = true;
            told("discard", action.text);
            return false;
        case Verb::pass:
            outcome.pass = true;
            told("pass", action.text);
            return false;
        case Verb::filter:
            outcome.filter = action.text;
            told("filter", action.text);
            return true;
        case Verb::hold:
            outcome.hold = true;
            told("hold", action.text);
            return true;
        case Verb::redirect:
            outcome.redirect = action.text;
            told("redirect", action.text);
            return true;
        case Verb::bcc:
            if (std::find(outcome.copies.begin(), outcome.copies.end(), action.text) ==
                outcome.copies.end())
                outcome.copies.push_back(action.text);
            told("bcc", action.text);
            return true;
        case Verb::strip:
            told("strip", action.text);
            [[fallthrough]];
        case Verb::ignore:
            add_edit(edits, Edit{item.at, item.size, {}});
            return true;
        case Verb::prepend:
            told("prepend", action.text);
            edits.push_back(Edit{item.at, 0, on_the_wire(action.text) + "\r\n"});
            return true;
        case Verb::replace:
            told("replace", action.text);
            edits.push_back(Edit{item.at, item.size, with_end});
            return true;
        case Verb::warn:
            told("warning", action.text);
            return true;
        case Verb::info:
            told("info", action.text);
            return true;
    }
    return true;
}

Task<Result<Outcome>> inspect(const Options& options, const LookUp& look_up, const Tell& tell,
                              Source source) {
    Inspection inspection(options, look_up, tell);
    co_return co_await inspection.run(source);
}

}  // namespace facteur::checks
