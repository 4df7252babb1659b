#include "qmgr/template.h"

#include <algorithm>

#include "lib/base/text.h"

namespace facteur::qmgr {
namespace {

constexpr std::string_view kFailure =
    "This is the mail system at host $myhostname.\n"
    "\n"
    "Your message could not be delivered to the addresses that are listed\n"
    "below, and it will not be tried again. It is attached to this notice.\n"
    "\n"
    "For each address you find what happened and what you can do. If that\n"
    "does not help, write to postmaster and enclose this notice. You can\n"
    "delete your own text from the attached message.\n";
constexpr std::string_view kDelay =
    "This is the mail system at host $myhostname.\n"
    "\n"
    "Your message has not been delivered yet to the addresses that are\n"
    "listed below. You need not send it again: the mail system goes on\n"
    "trying, for $maximal_queue_lifetime_days day(s) in all, and tells you when it gives up.\n";
constexpr std::string_view kSuccess =
    "This is the mail system at host $myhostname.\n"
    "\n"
    "You asked to be told what becomes of your message. For the addresses\n"
    "that are listed below this mail system has done its part. Where it\n"
    "passed the message on, other systems may still report a failure.\n";
constexpr std::string_view kVerify =
    "This is the mail system at host $myhostname.\n"
    "\n"
    "Enclosed is the mail delivery report that you requested.\n";

Template* named(Templates& templates, std::string_view name) {
    if (name == "failure_template") return &templates.failure;
    if (name == "delay_template") return &templates.delay;
    if (name == "success_template") return &templates.success;
    if (name == "verify_template") return &templates.verify;
    return nullptr;
}

/// A line without its end, off the front.
std::string_view take_line(std::string_view& rest) {
    std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

Result<void> take_header(Template& made, std::string_view line) {
    std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return permanent("not a header: " + printable(line));
    std::string_view name = line.substr(0, colon);
    std::string value(trim(line.substr(colon + 1)));
    if (iequals(name, "Charset")) {
        made.charset = value;
    } else if (iequals(name, "From")) {
        made.from = value;
    } else if (iequals(name, "Subject")) {
        made.subject = value;
    } else if (iequals(name, "Postmaster-Subject")) {
        made.postmaster_subject = value;
    } else {
        return permanent("unknown header: " + printable(name));
    }
    return {};
}

/// Up to the line that ends it.
Result<Template> take_template(std::string_view& rest, std::string_view end) {
    Template made;
    bool in_text = false;
    while (!rest.empty()) {
        std::string_view line = take_line(rest);
        if (line == end) {
            if (made.subject.empty()) return permanent("a template without Subject:");
            return made;
        }
        if (in_text) {
            made.text.append(line).append("\n");
        } else if (line.empty()) {
            in_text = true;
        } else {
            TRY_VOID(take_header(made, line));
        }
    }
    return permanent("a template without its end, " + printable(end));
}

}  // namespace

Templates::Templates() {
    failure.subject = "Undelivered Mail Returned to Sender";
    failure.postmaster_subject = "Postmaster Copy: Undelivered Mail";
    failure.text = kFailure;
    delay.subject = "Delayed Mail (still being retried)";
    delay.postmaster_subject = "Postmaster Warning: Delayed Mail";
    delay.text = kDelay;
    success.subject = "Successful Mail Delivery Report";
    success.text = kSuccess;
    verify.subject = "Mail Delivery Status Report";
    verify.text = kVerify;
}

Result<void> parse_templates(std::string_view file, Templates& templates) {
    while (!file.empty()) {
        std::string_view line = trim(take_line(file));
        if (line.empty() || line.starts_with('#')) continue;
        std::size_t equals = line.find('=');
        std::string_view value = trim(line.substr(std::min(equals, line.size() - 1) + 1));
        if (equals == std::string_view::npos || !value.starts_with("<<")) {
            return permanent("expected: NAME_template = <<EOF, found: " + printable(line));
        }
        Template* wanted = named(templates, trim(line.substr(0, equals)));
        if (!wanted) return permanent("unknown template: " + printable(line.substr(0, equals)));
        TRY(*wanted, take_template(file, trim(value.substr(2))));
    }
    return {};
}

}  // namespace facteur::qmgr
