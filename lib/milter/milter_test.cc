#include <catch2/catch.hpp>
#include <sys/mman.h>

#include "lib/base/fd.h"
#include "lib/milter/header_list.h"
#include "lib/milter/protocol.h"
#include "lib/milter/spec.h"

using namespace facteur;
using namespace facteur::milter;

namespace {

std::string bytes(std::initializer_list<std::string> strings, std::optional<unsigned> number = {}) {
    std::string out;
    if (number) put_number(out, *number);
    for (const std::string& text : strings)
        put_string(out, text);
    return out;
}

struct Content {
    explicit Content(const std::string& text) : file(memfd_create("content", MFD_CLOEXEC)) {
        REQUIRE(checks::write_at(file.get(), text, 0));
        source = checks::Source{file.get(), 0, text.size()};
    }
    std::string after(const HeaderList& list) {
        REQUIRE(checks::apply(file.get(), 0, source.size, list.edits()));
        std::string text(source.size, '\0');
        REQUIRE(checks::read_at(file.get(), text, 0));
        return text;
    }
    Fd file;
    checks::Source source;
};

struct Parameters : conf::Section {
    Settings milter{*this};
};

}  // namespace

TEST_CASE("terms are agreed on", "[milter]") {
    const Terms offered = offer(6);
    CHECK(negotiation(offered) ==
          std::string("\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff", 17));
    std::string data = bytes({}, 6) + bytes({}, 0x101) + bytes({}, no_body | skip);
    auto terms = parse_negotiation(data + bytes({"i {mail_addr}"}, 2), offered);
    REQUIRE(terms);
    CHECK(terms->protocol == (no_body | skip));
    CHECK(terms->macros.size() == 1);
    for (std::size_t size = 0; size < data.size(); ++size)
        CHECK_FALSE(parse_negotiation(data.substr(0, size), offered));
    CHECK_FALSE(parse_negotiation(bytes({}, 7) + bytes({}, 0) + bytes({}, 0), offered));
    CHECK_FALSE(parse_negotiation(bytes({}, 6) + bytes({}, 0x200) + bytes({}, 0), offered));
    CHECK_FALSE(parse_negotiation(bytes({}, 2) + bytes({}, 0) + bytes({}, skip), offer(2)));
}

TEST_CASE("answers are parsed", "[milter]") {
    CHECK(parse_answer('c', "")->kind == Kind::go_on);
    auto inserted = parse_answer('i', bytes({"X-A", "b"}, 3));
    REQUIRE(inserted);
    CHECK(inserted->index == 3);
    CHECK(inserted->name == "X-A");
    CHECK(inserted->value == "b");
    CHECK(parse_answer('+', bytes({"<a@b>"}))->name == "a@b");
    CHECK(parse_answer('e', bytes({"<>"}))->name.empty());
    CHECK(parse_answer('2', bytes({"a@b", "NOTIFY=NEVER", "X=Y"}))->value == "NOTIFY=NEVER X=Y");
    CHECK_FALSE(parse_answer('h', bytes({"X-A"})));
    CHECK_FALSE(parse_answer('h', bytes({"bad name", "v"})));
    CHECK_FALSE(parse_answer('m', bytes({"X-A", "b"}, 0)));
    CHECK_FALSE(parse_answer('+', bytes({"<a@b>\r\nRCPT"})));
    CHECK_FALSE(parse_answer('Z', ""));
}

TEST_CASE("reply texts are parsed", "[milter]") {
    CHECK(parse_reply_text("550 5.7.1 no") == ReplyText{550, "5.7.1", "no"});
    CHECK(parse_reply_text("450-4.7.1 a\r\n450 4.7.1 b\r\n") == ReplyText{450, "4.7.1", "a\nb"});
    CHECK(parse_reply_text("550 4.7.1 no") == ReplyText{550, "5.0.0", "4.7.1 no"});
    for (const char* text : {"", "250 Ok", "55", "550 a\r\n450 b", "abc def"})
        CHECK_FALSE(parse_reply_text(text));
}

TEST_CASE("header fields are changed in place", "[milter]") {
    Content content("Received: us\r\nA: 1\r\nB: 2\r\n folded\r\nA: 3\r\n\r\nbody\r\n");
    auto list = HeaderList::read(content.source, "us");
    REQUIRE(list);
    REQUIRE(list->fields().size() == 4);
    CHECK(list->fields()[0].hidden);
    CHECK(list->fields()[2].value() == " 2\n folded");
    SECTION("added and put in") {
        list->insert(1, "X: top");
        list->insert(3, "Y: third");
        list->insert(99, "Z: last");
        list->add("W: end");
        CHECK(content.after(*list) ==
              "Received: us\r\nX: top\r\nA: 1\r\nY: third\r\nB: 2\r\n folded\r\nA: 3\r\nZ: last\r\n"
              "W: end\r\n\r\nbody\r\n");
    }
    SECTION("changed and removed, counted by name") {
        list->change(2, "a", "A: new\n\tfolded");
        list->remove(1, "A");
        list->remove(1, "Received");  // ours is none of its business
        list->remove(7, "B");
        list->change(3, "B", "B: added");
        CHECK(content.after(*list) ==
              "Received: us\r\nB: 2\r\n folded\r\nA: new\r\n\tfolded\r\nB: added\r\n\r\nbody\r\n");
    }
    SECTION("what was put in is changed and removed again") {
        list->insert(1, "X: 1");
        list->change(1, "X", "X: 2");
        list->add("Y: 1");
        list->remove(1, "Y");
        list->remove(1, "B");
        CHECK(content.after(*list) == "Received: us\r\nX: 2\r\nA: 1\r\nA: 3\r\n\r\nbody\r\n");
    }
}

TEST_CASE("settings of one milter", "[milter]") {
    Parameters parameters;
    auto specs = parse_specs({"inet:a:1",
                              "{ unix:/b, connect_timeout=5s, default_action=accept,"
                              " protocol=2, { content_timeout = 1m } }"},
                             parameters.milter);
    REQUIRE(specs);
    REQUIRE(specs->size() == 2);
    CHECK((*specs)[0].place == "inet:a:1");
    CHECK((*specs)[0].connect_timeout == std::chrono::seconds(30));
    CHECK((*specs)[1].place == "unix:/b");
    CHECK((*specs)[1].connect_timeout == std::chrono::seconds(5));
    CHECK((*specs)[1].content_timeout == std::chrono::seconds(60));
    CHECK((*specs)[1].otherwise == DefaultAction::accept);
    CHECK((*specs)[1].version == 2);
    CHECK((*parse_specs({"inet:7@h", "local:/c"}, parameters.milter))[0].place == "inet:h:7");
    for (const char* wrong : {"host:1", "inet:", "{ inet:a:1, colour=red }",
                              "{ inet:a:1, default_action=maybe }", "{ inet:a:1, protocol=5 }"})
        CHECK_FALSE(parse_specs({wrong}, parameters.milter));
    const auto pairs = parse_macro_defaults({"{a}=b", "c=d", "{ long = e f }"});
    CHECK(pairs == std::vector<std::pair<std::string, std::string>>{
                       {"{a}", "b"}, {"c", "d"}, {"{long}", "e f"}});
}
