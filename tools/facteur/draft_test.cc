#include "tools/facteur/draft.h"

#include <catch2/catch.hpp>

using namespace facteur::tool;

namespace {

DraftWishes wishes(bool extract) {
    DraftWishes wishes;
    wishes.extract_recipients = extract;
    wishes.sender = "anna";
    wishes.full_name = "Anna O. Noll";
    wishes.origin = "example.org";
    wishes.message_id = "1@mx.example.org";
    wishes.date = "Sun, 22 Nov 2026 12:00:00 +0000";
    return wishes;
}

}  // namespace

TEST_CASE("missing fields are added, others stay", "[tools]") {
    Draft draft = make_draft("Subject: hi\n\nbody\n", wishes(false));
    CHECK(draft.content ==
          "Subject: hi\nMessage-Id: <1@mx.example.org>\nDate: Sun, 22 Nov 2026 12:00:00 +0000\n"
          "From: \"Anna O. Noll\" <anna@example.org>\n\nbody\n");
    const char* whole = "from: x@y.z\nDATE: today\nMessage-ID: <a@b>\nSubject: a\n b\n\nbody\n";
    CHECK(make_draft(whole, wishes(false)).content == whole);
}

TEST_CASE("a message without header or separator gets one", "[tools]") {
    Draft draft = make_draft("just text\n", wishes(false));
    CHECK(draft.content.ends_with("\n\njust text\n"));
    CHECK(make_draft("", wishes(false)).content.ends_with(">\n\n"));
    Draft crlf = make_draft("Subject: x\r\nnot a field\r\n", wishes(false));
    CHECK(crlf.content.find("org>\r\n\r\nnot a field\r\n") != std::string::npos);
}

TEST_CASE("-t finds the recipients, and Bcc is never seen again", "[tools]") {
    Draft draft = make_draft(
        "From here 1\nTo: \"B, b\" <b@x.test>, c@x.test,\n\td@x.test\nCc: group: e@x.test;\n"
        "Bcc: secret@x.test\nSubject: s\n\nTo: no@x.test\n",
        wishes(true));
    CHECK(draft.recipients == std::vector<std::string>{"b@x.test", "c@x.test", "d@x.test",
                                                       "e@x.test", "secret@x.test"});
    CHECK(draft.content.find("secret") == std::string::npos);
    CHECK(draft.content.starts_with("To: "));
    Draft resent = make_draft("To: old@x.test\nResent-To: new@x.test\n\n", wishes(true));
    CHECK(resent.recipients == std::vector<std::string>{"new@x.test"});
    CHECK(make_draft("To: a@x.test\n\n", wishes(false)).recipients.empty());
}
