#include "lib/imap/base_subject.h"

#include <catch2/catch.hpp>

using namespace facteur::imap;

TEST_CASE("the base subject is what people wrote [RFC 5256 2.1]", "[imap]") {
    auto [subject, expected, is_reply] = GENERATE(table<std::string, std::string, bool>({
        {"", "", false},
        {"plain", "plain", false},
        {"  two   spaces ", "two spaces", false},
        {"Re: plain", "plain", true},
        {"RE:Fwd: fw : plain", "plain", true},
        {"re: plain (fwd)", "plain", true},
        {"plain (FWD) (fwd)", "plain", true},
        {"[list] plain", "plain", false},
        {"[list] Re: [list] plain", "plain", true},
        {"Re[2]: plain", "plain", true},
        {"re [x] : plain", "plain", true},
        {"[only blob]", "[only blob]", false},
        {"[a][b] c", "c", false},
        {"[fwd: plain]", "plain", true},
        {"Re: [Fwd: [list] Re: plain (fwd)]", "plain", true},
        {"Reminder", "Reminder", false},
        {"fwdd: x", "fwdd: x", false},
        {"[a[b] c", "[a[b] c", false},
        {"Re:", "", true},
        {"(fwd)", "", true},
    }));
    INFO(subject);
    BaseSubject base = base_subject(subject);
    CHECK(base.text == expected);
    CHECK(base.is_reply == is_reply);
}
