#include "lib/spool/queue_file.h"

#include <catch2/catch.hpp>

#include "lib/base/encoding.h"
#include "lib/spool/lines.h"
#include "lib/spool/queue_id.h"

using namespace facteur::spool;

namespace {

Envelope sample() {
    Envelope envelope;
    envelope.sender = "a b\n\\x41@example.org";
    envelope.arrival = 1795349000123456;
    envelope.size = 42;
    envelope.body = Body::eight_bit_mime;
    envelope.smtputf8 = true;
    envelope.ret = Ret::headers;
    envelope.envid = "QQ314159";
    envelope.client_name = "client.example";
    envelope.client_address = "2001:db8::1";
    envelope.helo = "client";
    envelope.protocol = "ESMTPSA";
    envelope.login = "anna";
    envelope.filter = "scan:[::1]:10025";
    envelope.priority = -3;
    envelope.by_mode = ByMode::notify;
    envelope.by_trace = true;
    envelope.deliver_by = 1795349600;
    envelope.release_at = 1795349300;
    envelope.requiretls = true;
    envelope.tls_optional = true;
    envelope.report = Report::verify;
    Recipient one;
    one.address = "b@example.net";
    one.original = "alias@example.net";
    one.orcpt = "rfc822;Alias@example.net";
    one.notify = notify_success | notify_failure;
    Recipient two;
    two.address = std::string("c\0\x7f\xc3\xa4@example.net", 17);
    envelope.recipients = {one, two};
    return envelope;
}

std::vector<std::string> sample_steps() {
    Story story(sample());
    Step first(story, 1795349001);
    Progress late;
    late.fate = Fate::waiting;
    late.status = "4.4.1";
    late.text = "connect to mx[1.2.3.4]:25: Connection timed out";
    first.fate(0, late);
    Recipient member;
    member.address = "d@example.net";
    member.original = "c@example.net";
    first.expanded(1, {member});
    first.next_attempt(1795349301);
    REQUIRE(apply_step(story, first.text()));
    Step second(story, 1795349302);
    Progress bad;
    bad.fate = Fate::failed;
    bad.status = "5.1.1";
    bad.text = "host mx[1.2.3.4] said: 550 no";
    bad.remote = "mx";
    bad.diagnostic = "550 no";
    second.fate(2, bad);
    second.told(2);
    second.warned();
    return {first.text(), second.text()};
}

}  // namespace

TEST_CASE("an envelope survives its text form, whatever bytes it holds", "[spool]") {
    std::string text = to_text(sample());
    auto back = parse_envelope(text);
    REQUIRE(back);
    CHECK(*back == sample());
    for (std::size_t n = 0; n < text.size(); ++n) {
        auto cut = parse_envelope(text.substr(0, n));
        if (cut) CHECK(cut->recipients.size() <= 2);
    }
}

TEST_CASE("an envelope of an older version asks for nothing special", "[spool]") {
    auto old = parse_envelope("arrival 1795349000123456\nsender a@b\nsize 3\nrecipient c@d\n");
    REQUIRE(old);
    CHECK(old->priority == 0);
    CHECK(old->by_mode == ByMode::none);
    CHECK(old->release_at == 0);
    CHECK_FALSE(old->requiretls);
    CHECK_FALSE(old->tls_optional);
}

TEST_CASE("what asks for the impossible is brought into range", "[spool]") {
    const std::string head = "sender a@b\n";
    auto odd = parse_envelope(head + "priority -99\ndeliver-by 7 maybe trace\nrecipient c@d\n");
    REQUIRE(odd);
    CHECK(odd->priority == -9);
    CHECK(odd->by_mode == ByMode::none);
    CHECK_FALSE(odd->by_trace);
    auto returned = parse_envelope(head + "deliver-by 7 return\nrecipient c@d\n");
    REQUIRE(returned);
    CHECK(returned->by_mode == ByMode::return_it);
    CHECK(returned->deliver_by == 7);
    CHECK_FALSE(returned->by_trace);
}

TEST_CASE("escaping keeps every value on its line", "[spool]") {
    std::string all;
    for (int c = 0; c < 256; ++c)
        all += static_cast<char>(c);
    CHECK(escape(all).find('\n') == std::string::npos);
    CHECK(unescape(escape(all)) == all);
    CHECK(unescape("\\x4") == "\\x4");
    CHECK(unescape("\\xzz\\") == "\\xzz\\");
}

TEST_CASE("steps tell the story, and telling them twice changes nothing", "[spool]") {
    Story story(sample());
    for (int twice = 0; twice < 2; ++twice) {
        for (const std::string& step : sample_steps())
            REQUIRE(apply_step(story, step));
    }
    REQUIRE(story.progress.size() == 3);
    CHECK(story.progress[0].fate == Fate::waiting);
    CHECK(story.progress[0].status == "4.4.1");
    CHECK(story.progress[1].fate == Fate::expanded);
    CHECK(story.envelope.recipients[2].written() == "c@example.net");
    CHECK(story.progress[2].fate == Fate::failed);
    CHECK(story.progress[2].remote == "mx");
    CHECK(story.progress[2].diagnostic == "550 no");
    CHECK(story.progress[2].told);
    CHECK(story.warned);
    CHECK(story.next_attempt == 1795349301);
    CHECK(story.attempts == 1);
    CHECK(story.steps == 2);
}

TEST_CASE("a step about a recipient that is not there is an error", "[spool]") {
    Story story(sample());
    CHECK_FALSE(apply_step(story, "step 1 5\nfailed 2 5.0.0 x\n"));
    CHECK_FALSE(apply_step(story, "step 1 5\nfailed x 5.0.0 x\n"));
    CHECK_FALSE(apply_step(story, "failed 0 5.0.0 x\n"));
    CHECK_FALSE(apply_step(story, "step 1 5\nfailed 0 5.0.0 x"));
}

TEST_CASE("a queue file's header and trailer read back", "[spool]") {
    FileHeader header{make_queue_id(), 1234, 0x89abcdefu};
    std::string bytes = encode(header);
    REQUIRE(bytes.size() == kContentOffset);
    auto back = decode_file_header(bytes);
    REQUIRE(back);
    CHECK(back->id == header.id);
    CHECK(back->content_length == 1234);
    CHECK(back->content_crc == 0x89abcdefu);
    auto trailer = decode_trailer(encode_trailer(sample(), sample_steps()));
    REQUIRE(trailer);
    CHECK(trailer->steps == sample_steps());
    CHECK(trailer->story.steps == 2);
}

TEST_CASE("a damaged header is never taken", "[spool]") {
    const std::string good = encode(FileHeader{make_queue_id(), 1234, 0x89abcdefu});
    for (std::size_t at = 0; at < good.size(); ++at) {
        std::string bad = good;
        bad[at] ^= 0x04;
        INFO(at);
        CHECK_FALSE(decode_file_header(bad));
        CHECK_FALSE(decode_file_header(std::string_view(good).substr(0, at)));
    }
}

TEST_CASE("a trailer cut at any byte loses the last step at most", "[spool]") {
    std::string good = encode_trailer(sample(), sample_steps());
    std::size_t one = encode_trailer(sample(), {}).size();
    std::size_t two = encode_trailer(sample(), {sample_steps()[0]}).size();
    for (std::size_t n = 0; n < good.size(); ++n) {
        auto cut = decode_trailer(std::string_view(good).substr(0, n));
        INFO(n);
        CHECK(cut.has_value() == (n >= one));
        if (cut) CHECK(cut->steps.size() == (n >= two ? 1u : 0u));
        if (cut) CHECK(cut->good == (n >= two ? two : one));
    }
}

TEST_CASE("a flipped bit in the trailer is found, or cuts the last step", "[spool]") {
    const std::string good = encode_trailer(sample(), sample_steps());
    std::size_t two = encode_trailer(sample(), {sample_steps()[0]}).size();
    for (std::size_t at = 0; at < good.size(); ++at) {
        std::string bad = good;
        bad[at] ^= 0x01;
        auto read = decode_trailer(bad);
        INFO(at);
        if (at < two) CHECK_FALSE(read);
        if (read) CHECK(read->steps.size() <= 2);
    }
}
