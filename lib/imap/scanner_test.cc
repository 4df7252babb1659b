#include "lib/imap/scanner.h"

#include <catch2/catch.hpp>

#include "lib/imap/append.h"
#include "lib/imap/arguments.h"
#include "lib/imap/fetch.h"
#include "lib/imap/search.h"

using namespace facteur;
using namespace facteur::imap;

TEST_CASE("astring is an atom, a quoted string or a literal [RFC 3501 9]", "[imap]") {
    auto [text, expected] = GENERATE(table<std::string, std::string>({
        {"abc def", "abc"},
        {"a]b", "a]b"},
        {"\"\"", ""},
        {"\"a b\"", "a b"},
        {"\"a\\\"b\\\\\"", "a\"b\\"},
        {"{3}\r\na\r\n rest", "a\r\n"},
        {"{3+}\r\nabc", "abc"},
        {"{0}\r\n", ""},
        {"\"\xc3\xa4\"", "\xc3\xa4"},
    }));
    INFO(text);
    Scanner scanner(text);
    auto got = scanner.astring();
    REQUIRE(got);
    CHECK(*got == expected);
}

TEST_CASE("what is no astring is an error [RFC 3501 9]", "[imap]") {
    std::string text = GENERATE(values<std::string>(
        {"", " a", "(", "\"abc", "\"a\\n\"", "\"a\rb\"", "{3}\r\nab", "{3}", "{a}\r\nabc",
         "{-1}\r\n", "{99999999999999999999}\r\n", std::string("{1}\r\n\0", 6), "\xff"}));
    INFO(text);
    Scanner scanner(text);
    CHECK_FALSE(scanner.astring());
}

TEST_CASE("a tag is any astring char but plus [RFC 3501 9]", "[imap]") {
    CHECK(*Scanner("a.1]x NOOP").tag() == "a.1]x");
    CHECK(*Scanner("a+1 NOOP").tag() == "a");
    CHECK_FALSE(Scanner("+ NOOP").tag());
    CHECK_FALSE(Scanner("* NOOP").tag());
}

TEST_CASE("a literal is announced at the end of a line [RFC 7888 3]", "[imap]") {
    auto mark = trailing_literal("a LOGIN {5}");
    REQUIRE(mark);
    CHECK(mark->size == 5);
    CHECK(mark->synchronizing);
    CHECK(mark->at == 8);
    mark = trailing_literal("({12+}");
    REQUIRE(mark);
    CHECK_FALSE(mark->synchronizing);
    CHECK_FALSE(trailing_literal("a{5}"));
    CHECK_FALSE(trailing_literal("a {}"));
    CHECK_FALSE(trailing_literal("a {+}"));
    CHECK_FALSE(trailing_literal("a 5}"));
    CHECK_FALSE(trailing_literal("a {5"));
    CHECK_FALSE(trailing_literal("a {5}x"));
}

TEST_CASE("sequence sets resolve to sorted ranges [RFC 3501 9, 6.4.8]", "[imap]") {
    auto [text, star, expected] = GENERATE(table<std::string, std::uint32_t, Ranges>({
        {"1", 9, {{1, 1}}},
        {"2:4,7", 9, {{2, 4}, {7, 7}}},
        {"4:2", 9, {{2, 4}}},
        {"*", 9, {{9, 9}}},
        {"*", 0, {}},
        {"1:*", 9, {{1, 9}}},
        {"15:*", 9, {{9, 15}}},
        {"*:3", 9, {{3, 9}}},
        {"5,1:2,3,2", 9, {{1, 3}, {5, 5}}},
        {"1:4294967295,7", 9, {{1, 4294967295}}},
    }));
    INFO(text);
    Scanner scanner(text);
    auto set = scanner.sequence_set();
    REQUIRE(set);
    CHECK(scanner.at_end());
    CHECK(set->resolve(star) == expected);
}

TEST_CASE("malformed sequence sets are errors [RFC 3501 9]", "[imap]") {
    std::string text = GENERATE(values<std::string>(
        {"", "0", "a", "1:", ":1", "1,", "1:0", "4294967296", "-1", "1:b", "00000000001"}));
    INFO(text);
    CHECK_FALSE(Scanner(text).sequence_set());
}

TEST_CASE("numbers become a uid-set [RFC 4315 4]", "[imap]") {
    CHECK(to_text({}).empty());
    CHECK(to_text({7}) == "7");
    CHECK(to_text({1, 2, 3, 5, 7, 8}) == "1:3,5,7:8");
    Ranges ranges{{2, 4}, {7, 7}};
    CHECK_FALSE(contains(ranges, 1));
    CHECK(contains(ranges, 2));
    CHECK(contains(ranges, 4));
    CHECK_FALSE(contains(ranges, 5));
    CHECK(contains(ranges, 7));
    CHECK_FALSE(contains(ranges, 8));
}

TEST_CASE("date-time is exact to the second and the zone [RFC 3501 9]", "[imap]") {
    auto [text, expected] = GENERATE(table<std::string, std::int64_t>({
        {"\" 1-Jan-1970 00:00:00 +0000\"", 0},
        {"\"01-Jan-1970 01:00:00 +0100\"", 0},
        {"\"17-Jul-1996 02:44:25 -0700\"", 837596665},
        {"\"29-Feb-2024 23:59:59 +0530\"", 1709231399},
    }));
    INFO(text);
    auto when = Scanner(text).date_time();
    REQUIRE(when);
    CHECK(std::chrono::system_clock::to_time_t(*when) == expected);
}

TEST_CASE("malformed date-times are errors [RFC 3501 9]", "[imap]") {
    std::string text = GENERATE(values<std::string>(
        {"", "\"\"", "\"30-Feb-2024 00:00:00 +0000\"", "\"01-Foo-2024 00:00:00 +0000\"",
         "\"01-Jan-2024 24:00:00 +0000\"", "\"01-Jan-2024 00:00:00 0000\"",
         "\"1-Jan-2024 00:00:00 +0000\"", "01-Jan-2024 00:00:00 +0000",
         "\"01-Jan-3940 00:00:00 +0000\"", "\"01-Jan-0000 00:00:00 +0000\""}));
    INFO(text);
    CHECK_FALSE(Scanner(text).date_time());
}

TEST_CASE("flags [RFC 3501 2.3.2]", "[imap]") {
    auto flags = Scanner("(\\SEEN \\deleted $Label1 work)").flag_list();
    REQUIRE(flags);
    CHECK(flags->system == (seen | deleted));
    CHECK(flags->keywords == std::vector<std::string>{"$Label1", "work"});
    CHECK(Scanner("()").flag_list());
    CHECK_FALSE(Scanner("(\\Recent)").flag_list());
    CHECK_FALSE(Scanner("(\\Foo)").flag_list());
    CHECK_FALSE(Scanner("(\\*)").flag_list());
    CHECK_FALSE(Scanner("(a  b)").flag_list());
    CHECK_FALSE(Scanner("(a").flag_list());
    std::string out;
    append_flags(out, seen | recent, {"work"});
    CHECK(out == "(\\Seen \\Recent work)");
}

TEST_CASE("fetch items and the names they are answered under [RFC 3501 6.4.5]", "[imap]") {
    auto [text, expected] = GENERATE(table<std::string, std::string>({
        {"FLAGS", "FLAGS"},
        {"ALL", "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE"},
        {"FAST", "FLAGS INTERNALDATE RFC822.SIZE"},
        {"FULL", "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY"},
        {"(uid body[])", "UID BODY[]"},
        {"BODY.PEEK[HEADER]<0.100>", "BODY[HEADER]<0>"},
        {"BODY[1.2.MIME]", "BODY[1.2.MIME]"},
        {"BODY[1.2]", "BODY[1.2]"},
        {"(BODY.PEEK[HEADER.FIELDS (from \"To\")] RFC822)", "BODY[HEADER.FIELDS (FROM TO)] RFC822"},
        {"BODY[3.HEADER.FIELDS.NOT ({2}\r\ncc)]", "BODY[3.HEADER.FIELDS.NOT (CC)]"},
    }));
    INFO(text);
    Scanner scanner(text);
    auto items = parse_fetch_items(scanner, 100);
    REQUIRE(items);
    CHECK(scanner.at_end());
    std::string names;
    for (const FetchItem& item : *items)
        names += (names.empty() ? "" : " ") + response_name(item);
    CHECK(names == expected);
}

TEST_CASE("malformed fetch items are errors [RFC 3501 6.4.5]", "[imap]") {
    std::string text = GENERATE(
        values<std::string>({"", "FOO", "()", "(ALL)", "BODY[", "BODY[MIME]", "BODY[1.]", "BODY[0]",
                             "BODY[1.FOO]", "BODY[]<0>", "BODY[]<0.0>", "BODY[HEADER.FIELDS]",
                             "BODY[HEADER.FIELDS ()]", "(FLAGS  UID)", "(FLAGS UID", "BODY.PEEK"}));
    INFO(text);
    Scanner scanner(text);
    CHECK_FALSE(parse_fetch_items(scanner, 100));
}

TEST_CASE("the number of fetch items is limited", "[imap]") {
    Scanner scanner("(FLAGS UID FLAGS)");
    CHECK_FALSE(parse_fetch_items(scanner, 2));
}

TEST_CASE("search programs [RFC 3501 6.4.4]", "[imap]") {
    std::string text =
        "CHARSET utf-8 1:3 UID 5 OR SEEN NOT (DELETED KEYWORD x) SINCE 1-Feb-1994 "
        "NOT FROM \"Smith\" HEADER X-Foo \"\" LARGER 100 UNSEEN NEW SENTON \"02-Mar-2020\"";
    Scanner scanner(text);
    auto program = parse_search(scanner, SearchLimits());
    REQUIRE(program);
    CHECK(program->charset == "UTF-8");
    const auto& keys = program->root.children;
    REQUIRE(keys.size() == 10);
    CHECK(keys[0].kind == SearchKey::Kind::sequence);
    CHECK(keys[2].kind == SearchKey::Kind::any_of);
    CHECK(keys[2].children[1].negated);
    CHECK(keys[2].children[1].children.size() == 2);
    CHECK(keys[3].day == Day(std::chrono::year(1994) / 2 / 1));
    CHECK(keys[4].negated);
    CHECK(keys[4].field == "From");
    CHECK(keys[5].field == "X-Foo");
    CHECK(keys[7].negated);
    CHECK(keys[8].children.size() == 2);
}

TEST_CASE("malformed and too complex searches are errors", "[imap]") {
    std::string text = GENERATE(
        values<std::string>({"", "FOO", "()", "OR SEEN", "NOT", "SINCE 31-Feb-2020", "FROM",
                             "CHARSET utf-8", "SEEN ", "(SEEN", "LARGER x", "NOT NOT NOT NOT SEEN",
                             "SEEN SEEN SEEN SEEN SEEN SEEN", "((((SEEN))))"}));
    INFO(text);
    Scanner scanner(text);
    SearchLimits limits;
    limits.depth = 3;
    limits.keys = 5;
    CHECK_FALSE(parse_search(scanner, limits));
}

TEST_CASE("APPEND up to its message [RFC 3501 6.3.11]", "[imap]") {
    Scanner whole(" saved (\\Seen x) \"17-Jul-1996 02:44:25 -0700\" {310}");
    CHECK(parse_append_mailbox(whole) == "saved");
    auto message = parse_append_message(whole);
    REQUIRE(message);
    CHECK(message->flags.system == seen);
    CHECK(message->date);
    CHECK(message->mark.size == 310);
    Scanner literal_name(" {5}\r\nsaved ~{3+}");
    CHECK(parse_append_mailbox(literal_name) == "saved");
    message = parse_append_message(literal_name);
    REQUIRE(message);
    CHECK_FALSE(message->mark.synchronizing);
    CHECK(message->mark.binary);
    auto [command, is_message] = GENERATE(table<std::string, bool>({
        {"a APPEND {5}", false},
        {"a APPEND saved{5}", false},
        {"a APPEND saved {5}", true},
        {"a APPEND {5}\r\nsaved (\\Seen) {3+}", true},
        {"a APPEND saved CATENATE (URL \"x\" TEXT {3}", true},
        {"a APPEND saved UTF8 (~{3}", true},
        {"a APPEND saved UTF8 ({3}", false},
        {"a REPLACE 4 saved {5}", true},
        {"a UID REPLACE 4 saved {5}", true},
        {"a REPLACE x saved {5}", false},
        {"a STATUS {5}", false},
    }));
    INFO(command);
    CHECK(is_append_message(command) == is_message);
}

TEST_CASE("STORE, STATUS and ID arguments [RFC 3501 6.4.6, 6.3.10, RFC 2971 3.1]", "[imap]") {
    Scanner store("+FLAGS.SILENT (\\Deleted)");
    auto arguments = parse_store(store);
    REQUIRE(arguments);
    CHECK(arguments->mode == StoreArguments::Mode::add);
    CHECK(arguments->silent);
    Scanner bare("flags \\Seen x");
    CHECK(parse_store(bare));
    Scanner wrong("FLAGSX \\Seen");
    CHECK_FALSE(parse_store(wrong));
    Scanner items("(UNSEEN messages)");
    CHECK(*parse_status_items(items) == (status_messages | status_unseen));
    Scanner none("()");
    CHECK_FALSE(parse_status_items(none));
    Scanner id("(\"name\" \"mutt\" \"version\" NIL)");
    auto fields = parse_id(id);
    REQUIRE(fields);
    CHECK(fields->size() == 2);
    Scanner nil("NIL");
    CHECK(parse_id(nil));
}
