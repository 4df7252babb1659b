#include "lib/imap/thread.h"

#include <catch2/catch.hpp>

using namespace facteur::imap;

namespace {

ThreadMessage message(std::uint32_t number, std::string id, std::vector<std::string> references,
                      std::int64_t date, std::string subject, bool is_reply = false) {
    ThreadMessage made;
    made.number = number;
    made.id = std::move(id);
    made.references = std::move(references);
    made.date = date;
    made.subject = std::move(subject);
    made.is_reply = is_reply;
    return made;
}

}  // namespace

TEST_CASE("message ids are found in what clients write [RFC 5256 3]", "[imap]") {
    using Ids = std::vector<std::string>;
    auto [value, expected] = GENERATE(table<std::string, Ids>({
        {"<a@b>", {"a@b"}},
        {" <a@b> <c@d>\r\n <e@f>", {"a@b", "c@d", "e@f"}},
        {"your mail of (<no@id>) \"<nor@this>\" <\"a\"@b>", {"a@b"}},
        {"<open", {}},
        {"<>", {}},
        {"", {}},
    }));
    INFO(value);
    CHECK(message_ids(value) == expected);
}

TEST_CASE("THREAD=REFERENCES links messages by their ids [RFC 5256 3]", "[imap]") {
    CHECK(thread_by_references({}) == "");
    CHECK(thread_by_references({message(1, "a", {}, 1, "s")}) == "(1)");
    CHECK(thread_by_references({message(1, "a", {}, 1, "s"), message(2, "b", {"a"}, 2, "s", true),
                                message(3, "c", {"a", "b"}, 3, "s", true)}) == "(1 2 3)");
    CHECK(thread_by_references({message(1, "a", {}, 1, "s"), message(2, "b", {"a"}, 3, "s", true),
                                message(3, "c", {"a"}, 2, "s", true)}) == "(1 (3)(2))");
}

TEST_CASE("what nobody has is only a place [RFC 5256 3 step 3]", "[imap]") {
    CHECK(thread_by_references({message(1, "b", {"gone"}, 1, "x")}) == "(1)");
    CHECK(thread_by_references({message(1, "b", {"gone"}, 1, "x"),
                                message(2, "c", {"gone"}, 2, "y")}) == "((1)(2))");
    CHECK(thread_by_references(
              {message(1, "a", {}, 1, "x"), message(2, "c", {"a", "gone"}, 2, "y")}) == "(1 2)");
    CHECK(thread_by_references({message(1, "c", {"a", "b"}, 1, "x"), message(2, "d", {"a"}, 2, "y"),
                                message(3, "e", {"c"}, 3, "z")}) == "((1 3)(2))");
}

TEST_CASE("loops and double ids do no harm [RFC 5256 3 step 1]", "[imap]") {
    CHECK(thread_by_references({message(1, "a", {"b"}, 1, "x"), message(2, "b", {"a"}, 2, "y")}) ==
          "(2 1)");
    CHECK(thread_by_references({message(1, "a", {"a"}, 1, "x")}) == "(1)");
    CHECK(thread_by_references({message(1, "a", {}, 1, "x"), message(2, "a", {}, 2, "y"),
                                message(3, "c", {"a"}, 3, "z")}) == "(1 3)(2)");
}

TEST_CASE("threads of one subject become one [RFC 5256 3 step 5]", "[imap]") {
    // A reply without references goes under what it answers.
    CHECK(thread_by_references({message(1, "a", {}, 1, "s"), message(2, "b", {}, 2, "s", true)}) ==
          "(1 2)");
    // Two that answer nothing, or both something, stand beside each other.
    CHECK(thread_by_references({message(1, "a", {}, 1, "s"), message(2, "b", {}, 2, "s")}) ==
          "((1)(2))");
    CHECK(thread_by_references({message(1, "a", {}, 1, "s", true),
                                message(2, "b", {}, 2, "s", true), message(3, "c", {}, 3, "s")}) ==
          "(3 (1)(2))");
    // No subject, no relation.
    CHECK(thread_by_references({message(1, "a", {}, 1, ""), message(2, "b", {}, 2, "")}) ==
          "(1)(2)");
    CHECK(thread_by_references({message(1, "a", {"g"}, 1, "s"), message(2, "b", {"g"}, 2, "s"),
                                message(3, "c", {}, 3, "s")}) == "((1)(2)(3))");
}

TEST_CASE("threads are in the order of their dates [RFC 5256 3 step 4]", "[imap]") {
    CHECK(thread_by_references({message(1, "a", {}, 5, "x"), message(2, "b", {}, 3, "y"),
                                message(3, "c", {"a"}, 1, "x", true)}) == "(2)(1 3)");
    CHECK(thread_by_references({message(2, "a", {}, 5, "x"), message(1, "b", {}, 5, "y")}) ==
          "(1)(2)");
}

TEST_CASE("a chain of any length is threaded", "[imap]") {
    std::vector<ThreadMessage> chain;
    for (std::uint32_t n = 1; n <= 5000; ++n)
        chain.push_back(message(n, std::to_string(n), {std::to_string(n - 1)}, n, "s", true));
    std::string text = thread_by_references(chain);
    CHECK(text.starts_with("(1 2 3 "));
    CHECK(text.ends_with(" 4999 5000)"));
}

TEST_CASE("THREAD=ORDEREDSUBJECT gathers by subject [RFC 5256 3]", "[imap]") {
    CHECK(thread_by_subject({}) == "");
    CHECK(thread_by_subject({message(1, "", {}, 5, "b"), message(2, "", {}, 1, "a"),
                             message(3, "", {}, 2, "b", true), message(4, "", {}, 3, "a", true)}) ==
          "(2 4)(3 1)");
    CHECK(thread_by_subject({message(1, "", {}, 1, "a"), message(2, "", {}, 2, "a"),
                             message(3, "", {}, 3, "a")}) == "(1 (2)(3))");
}
