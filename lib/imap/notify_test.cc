#include "lib/imap/notify.h"

#include <tuple>

#include <catch2/catch.hpp>

using namespace facteur::imap;

TEST_CASE("NOTIFY is read as RFC 5465 section 8 has it", "[imap]") {
    auto [text, expected] = GENERATE(table<std::string, std::string>({
        {" NONE", "none"},
        {" SET (selected NONE)", "0:0:0"},
        {" SET STATUS (selected (MessageNew (uid flags) MessageExpunge)) (subtree Lists "
         "(MessageNew MessageExpunge FlagChange))",
         "status 0:3:2 5:7:0/Lists"},
        {" SET (personal (MailboxName SubscriptionChange)) (mailboxes (a b) (MailboxName))",
         "3:24:0 6:8:0/a/b"},
        {" SET (selected-delayed (MessageNew MessageExpunge))", "1:3:0"},
        {" SET (inboxes (MailboxMetadataChange)) (subscribed (ServerMetadataChange))",
         "2:32:0 4:64:0"},
        {" SET (personal (AnnotationChange))", "unknown 3:0:0"},
        {" SET (personal (MessageNew))", "error"},
        {" SET (personal (MessageNew FlagChange))", "error"},
        {" SET (personal (MessageExpunge))", "error"},
        {" SET (personal (FlagChange))", "error"},
        {" SET (selected (MailboxName))", "error"},
        {" SET (selected NONE) (selected-delayed NONE)", "error"},
        {" SET (personal (MessageNew (uid) MessageExpunge))", "error"},
        {" SET (others NONE)", "error"},
        {" SET (subtree-one a NONE)", "error"},
        {" SET personal NONE", "error"},
        {" SET (mailboxes (a b c d) NONE)", "error"},
        {" SET", "error"},
        {" NONE x", "error"},
        {"", "error"},
    }));
    INFO(text);
    Scanner scanner(text);
    auto got = parse_notify(scanner, 3, 5);
    std::string out = got ? "" : "error";
    if (got && got->is_none) out = "none";
    if (got && got->wants_status) out = "status";
    if (got && got->has_unknown_event) out = "unknown";
    for (std::size_t i = 0; got && i < got->groups.size(); ++i) {
        const NotifyGroup& group = got->groups[i];
        if (!out.empty()) out += " ";
        out += std::to_string(static_cast<int>(group.filter.kind)) + ":" +
               std::to_string(group.events) + ":" + std::to_string(group.items.size());
        for (const std::string& name : group.filter.names)
            out += "/" + name;
    }
    CHECK(out == expected);
}
