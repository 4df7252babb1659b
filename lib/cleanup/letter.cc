#include "lib/cleanup/letter.h"

#include <algorithm>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/cleanup/header_addresses.h"
#include "lib/smtp/address.h"
#include "lib/smtp/parameters.h"

namespace facteur::cleanup {
namespace {

/// "Full Name" as a comment behind an address (RFC 5322 section 3.2.2).
std::string comment(std::string_view text) {
    std::string out = " (";
    for (const char c : text) {
        if (c == '(' || c == ')' || c == '\\') out += '\\';
        out += static_cast<unsigned char>(c) < ' ' || c == '\x7F' ? ' ' : c;
    }
    return out + ")";
}

void append_all(std::vector<std::string>& to, std::vector<std::string>& from) {
    for (std::string& each : from) {
        if (std::find(to.begin(), to.end(), each) == to.end()) to.push_back(std::move(each));
    }
}

/// One field with addresses in it, and where.
struct AddressField {
    const milter::HeaderList::Field* field = nullptr;
    bool is_sender = false;
    std::vector<AddressSpan> spans;  ///< in its value

    checks::Edit edit() const {
        std::string text(field->name());
        text.append(":").append(with_addresses(field->value(), spans)).append("\n");
        return checks::Edit{field->at, field->size, replace_all(std::move(text), "\n", "\r\n")};
    }
};

std::vector<AddressField> address_fields(const milter::HeaderList& header, std::size_t limit) {
    std::vector<AddressField> all;
    for (const milter::HeaderList::Field& field : header.fields()) {
        const FieldClass kind = field_class(field.name());
        if (kind == FieldClass::none) continue;
        AddressField one{&field, kind == FieldClass::sender, address_spans(field.value(), limit)};
        limit -= one.spans.size();
        if (!one.spans.empty()) all.push_back(std::move(one));
    }
    return all;
}

}  // namespace

Letter::Letter(Treatment treatment, Tables tables, checks::Tell tell)
    : treatment_(std::move(treatment)), tables_(std::move(tables)), tell_(std::move(tell)) {}

Task<Result<std::optional<checks::Refusal>>> Letter::inspect() {
    const checks::Options& options = treatment_.checks;
    CO_TRY_VOID(checks::strip(content_, options.strip_characters, content_.size));
    CO_TRY(checks::Outcome outcome,
           co_await checks::inspect(options, tables_.look_up, tell_, content_));
    take(outcome);
    std::optional<checks::Refusal> refusal = std::move(outcome.refusal);
    if (refusal || discard) co_return refusal;
    std::string missing = missing_fields(outcome.header);
    if (!missing.empty()) {
        checks::Edits& edits = outcome.edits;
        const auto place = std::find_if(edits.begin(), edits.end(), [&](const checks::Edit& edit) {
            return edit.at >= outcome.header_end;
        });
        edits.insert(place, checks::Edit{outcome.header_end, 0, std::move(missing)});
    }
    CO_TRY_VOID(edit(outcome.edits));
    if (treatment_.rewrites) {
        CO_TRY_VOID(co_await rewrite_header());
    }
    co_return refusal;
}

/// Postfix's ADDRESS_REWRITING_README: all addresses are asked about at once.
Task<Result<void>> Letter::rewrite_header() {
    CO_TRY(milter::HeaderList header, milter::HeaderList::read(content_, std::string_view()));
    std::vector<AddressField> fields = address_fields(header, treatment_.address_limit);
    if (fields.empty()) co_return Result<void>();
    ipc::RewriteHeader question;
    question.domain = treatment_.rewrite_domain;
    question.unmapped = treatment_.unmapped;
    for (const AddressField& field : fields) {
        auto& list = field.is_sender ? question.senders : question.recipients;
        for (const AddressSpan& span : field.spans)
            list.push_back(span.address);
    }
    const std::size_t from = question.senders.size();
    const std::size_t to = question.recipients.size();
    CO_TRY(ipc::RewriteHeaderReply reply, co_await tables_.rewrite(std::move(question)));
    if (reply.senders.size() != from || reply.recipients.size() != to)
        co_return temporary("address service gave a wrong answer");
    auto next_sender = reply.senders.begin();
    auto next_recipient = reply.recipients.begin();
    checks::Edits edits;
    for (AddressField& field : fields) {
        for (AddressSpan& span : field.spans) {
            std::string& address = field.is_sender ? *next_sender++ : *next_recipient++;
            if (address == span.address) span.size = 0;  // as it was
            span.address = std::move(address);
        }
        std::erase_if(field.spans, [](const AddressSpan& span) { return span.size == 0; });
        if (!field.spans.empty()) edits.push_back(field.edit());
    }
    co_return edit(edits);
}

void Letter::take(checks::Outcome& outcome) {
    hold |= outcome.hold;
    discard |= outcome.discard;
    pass |= outcome.pass;
    if (!outcome.filter.empty()) filter = std::move(outcome.filter);
    if (!outcome.redirect.empty()) redirect = std::move(outcome.redirect);
    append_all(copies, outcome.copies);
    message_id = outcome.header.id;
}

/// RFC 6409 sections 8.1 to 8.3; a message that was sent again has fields of that name (RFC 5322
/// section 3.6.6).
std::string Letter::missing_fields(const checks::HeaderFacts& header) {
    std::string out;
    if (!treatment_.completes) return out;
    const std::string again = header.resent ? "Resent-" : "";
    if (!(header.resent ? header.resent_message_id : header.message_id)) {
        const std::string id = "<" + queue_id + "@" + treatment_.host + ">";
        out += again + "Message-Id: " + id + "\r\n";
        if (!header.resent) message_id = id;
    }
    if (!(header.resent ? header.resent_date : header.date))
        out += again + "Date: " + rfc5322_date(when) + "\r\n";
    if (!(header.resent ? header.resent_from : header.from)) {
        out += again + "From: " + (sender.empty() ? "MAILER-DAEMON" : smtp::to_external(sender));
        if (!sender.empty() && !treatment_.full_name.empty()) out += comment(treatment_.full_name);
        out += "\r\n";
    }
    if (!header.recipient && !treatment_.undisclosed.empty())
        out += treatment_.undisclosed + "\r\n";
    return out;
}

Result<void> Letter::edit(const checks::Edits& edits) {
    return checks::apply(content_.fd, content_.base, content_.size, edits);
}

Result<void> Letter::replace_body(std::uint64_t at, const checks::Source& body) {
    checks::Edits all;
    all.push_back(checks::Edit{at, content_.size - at, {}});
    TRY_VOID(checks::apply(content_.fd, content_.base, content_.size, all));
    std::string block;
    for (std::uint64_t done = 0; done < body.size; done += block.size()) {
        block.resize(std::min<std::uint64_t>(65536, body.size - done));
        TRY_VOID(checks::read_at(body.fd, block, body.base + done));
        TRY_VOID(checks::write_at(content_.fd, block, content_.base + content_.size));
        content_.size += block.size();
    }
    return {};
}

/// milter_header_checks, one field at a time: there are few.
Task<Result<std::optional<std::string>>> Letter::check_header(std::string field) {
    std::optional<std::string> kept(field);
    if (treatment_.milter_header_checks.empty()) co_return kept;
    ipc::LookupMany question;
    question.tables = treatment_.milter_header_checks;
    question.keys.push_back(field);
    CO_TRY(ipc::LookupManyReply reply, co_await tables_.look_up(std::move(question)));
    if (reply.values.empty()) co_return kept;
    auto action = checks::parse_action(reply.values.front(), true, checks::Place::milter);
    if (!action) {
        log_warning("milter_header_checks: " + action.error().text);
        co_return kept;
    }
    checks::Item item;
    item.primary = true;
    item.text = std::move(field);
    checks::Outcome outcome;
    checks::act(*action, item, outcome, tell_);
    if (action->verb == checks::Verb::ignore || action->verb == checks::Verb::strip) kept.reset();
    if (action->verb == checks::Verb::replace) kept = action->text;
    if (outcome.refusal) {
        decided_.emplace();
        decided_->kind = milter::Verdict::Kind::refuse;
        decided_->reply.code = outcome.refusal->is_temporary() ? 451 : 550;
        decided_->reply.status = outcome.refusal->status;
        decided_->reply.text = outcome.refusal->text;
    }
    const std::string id = std::move(message_id);
    take(outcome);
    message_id = id;
    co_return kept;
}

void Letter::change_sender(std::string address, std::string parameters) {
    sender = smtp::to_internal(address);
    sender_parameters = std::move(parameters);
}

void Letter::add_recipient(std::string address, std::string parameters) {
    ipc::SubmitRecipient recipient;
    recipient.address = smtp::to_internal(address);
    smtp::Offered offered;
    offered.dsn = true;
    auto parsed = smtp::parse_rcpt_parameters(parameters, offered);
    if (!parsed) {
        log_warning(queue_id + ": milter: recipient " + printable(address, 200) + ": " +
                    parsed.error().text);
        return;
    }
    recipient.orcpt = std::move(parsed->orcpt);
    recipient.notify = parsed->notify;
    for (const ipc::SubmitRecipient& known : recipients) {
        if (known.address == recipient.address) return;
    }
    recipients.push_back(std::move(recipient));
}

void Letter::delete_recipient(std::string_view address) {
    const std::string internal = smtp::to_internal(address);
    std::erase_if(recipients, [&](const ipc::SubmitRecipient& recipient) {
        return iequals(recipient.address, internal);
    });
}

std::optional<milter::Verdict> Letter::decided() const {
    return decided_;
}

}  // namespace facteur::cleanup
