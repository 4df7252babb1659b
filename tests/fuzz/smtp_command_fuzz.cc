// Addresses, parameters and commands: what a stranger says before DATA.
#include <cstdlib>

#include "lib/smtp/address.h"
#include "lib/smtp/command.h"
#include "lib/smtp/domain.h"
#include "lib/smtp/parameters.h"

using namespace facteur::smtp;

namespace {

void check(std::string_view arguments, AddressRules rules) {
    const auto mailbox = take_path(arguments, rules);
    if (!mailbox) return;
    // What was accepted comes back unchanged from each of its forms.
    if (split_internal(mailbox->internal()) != *mailbox && !mailbox->domain.empty()) std::abort();
    std::string path = '<' + mailbox->external() + '>';
    std::string_view again = path;
    rules.strict = false;
    const auto second = take_path(again, rules);
    if (path.size() < kMaxPath && (!second || *second != *mailbox)) std::abort();
    (void)to_internal(mailbox->external());
    Offered offered;
    offered.mt_priority = offered.deliver_by = offered.future_release = true;
    if (const auto parameters = parse_mail_parameters(arguments, offered)) {
        const auto reread = parse_mail_parameters(to_text(*parameters), offered);
        if (!reread || *reread != *parameters) std::abort();
    }
    if (const auto parameters = parse_rcpt_parameters(arguments)) {
        const auto reread = parse_rcpt_parameters(to_text(*parameters));
        if (!reread || reread->notify != parameters->notify) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    Command command = split_command(line);
    (void)parse_chunk(command.arguments);
    (void)is_address_literal(command.arguments);
    (void)is_domain(command.arguments, true);
    if (!take_keyword(command.arguments, "FROM:")) take_keyword(command.arguments, "TO:");
    for (const bool utf8 : {false, true}) {
        AddressRules rules;
        rules.utf8 = utf8;
        check(command.arguments, rules);
        rules.strict = true;
        check(command.arguments, rules);
    }
    return 0;
}
