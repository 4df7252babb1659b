#include "lib/store/index/summary_codec.h"

#include <catch2/catch.hpp>

#include "lib/mime/casemap.h"

using namespace facteur::store;

namespace {

const char* const kMessage =
    "Received: from a\r\nFrom: A <a@b.test>\r\nSubject: Re: =?utf-8?q?=C3=84pfel?=\r\n"
    "X-Other: 1\r\nDate: Sun, 22 Nov 2026 10:00:00 +0100\r\nMessage-ID: <1@b.test>\r\n"
    "References: <0@b.test> <2@b.test>\r\nTo: c@d.test\r\n\r\nHello\r\n";

std::string chosen(const SummaryView& view, const std::vector<std::string>& names) {
    std::string out;
    view.append_fields(out, *summary_fields(names));
    return out;
}

}  // namespace

TEST_CASE("a summary holds what FETCH, SORT and THREAD ask for", "[store]") {
    std::string bytes = index::encode_summary(index::make_summary("", kMessage));
    auto view = index::view_summary(bytes);
    REQUIRE(view);
    CHECK(chosen(*view, {"to", "FROM"}) == "From: A <a@b.test>\r\nTo: c@d.test\r\n");
    CHECK(chosen(*view, {"Cc"}).empty());
    CHECK_FALSE(summary_fields({"From", "X-Other"}));
    CHECK(view->subject == facteur::mime::casemap("äpfel"));
    CHECK(view->is_reply);
    CHECK(view->sent == 1795338000);
    CHECK(view->ids.size() == 3 * 8);
    CHECK(view->envelope.starts_with("(\"Sun, 22 Nov 2026 10:00:00 +0100\""));
    CHECK(view->body_structure.starts_with("(\"text\" \"plain\""));
    auto summary = index::decode_summary(bytes);
    REQUIRE(summary);
    CHECK(summary->structure.type == "text");
    CHECK(summary->fields == view->fields);
}

TEST_CASE("equal message ids have equal hashes, others do not", "[store]") {
    auto ids = [](const std::string& fields) {
        return index::make_summary("", fields + "\r\n\r\n").keys.ids;
    };
    CHECK(ids("Message-ID: <\"a\"@b>") == ids("Message-ID: (x) <a@b>"));
    CHECK(ids("Message-ID: <a@b>") != ids("Message-ID: <a@c>"));
    CHECK(ids("Subject: x") == std::string(8, '\0'));
    CHECK(ids("Message-ID: <a@b>\r\nIn-Reply-To: <c@d> <e@f>").size() == 16);
}

TEST_CASE("every truncation of a summary is refused", "[store]") {
    std::string bytes = index::encode_summary(index::make_summary("", kMessage));
    for (std::size_t n = 0; n < bytes.size(); ++n)
        CHECK_FALSE(index::decode_summary(std::string_view(bytes).substr(0, n)));
}
