#include "smtp-client/delivery_fixture_test.h"
#include "smtp-client/refusals.h"

using namespace facteur;
using namespace facteur::smtp_client;
using ipc::Outcome;

namespace {

constexpr const char* kSasl =
    "smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/x\n"
    "smtp_sasl_security_options = noanonymous\n";

struct Sasl : Client {
    FakeServer server{scope};
    Sasl() {
        configure(kSasl);
        lookups.table[hop(server)] = "tim:tanstaaftanstaaf";
    }
};

}  // namespace

TEST_CASE_METHOD(Sasl, "CRAM-MD5 goes before PLAIN [RFC 2195 2]", "[smtp-client]") {
    server.offers.push_back("AUTH PLAIN CRAM-MD5");
    // <1896.697170952@postoffice.reston.mci.net>
    server.replies["AUTH CRAM-MD5"] =
        "334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+";
    CHECK(run(hop(server)).outcome == Outcome::delivered);
    CHECK(server.count("dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw") == 1);
}

TEST_CASE_METHOD(Sasl, "a server that proves nothing does not get the mail [RFC 5802 3]",
                 "[smtp-client]") {
    server.offers.push_back("AUTH SCRAM-SHA-256");
    const auto* reply = GENERATE("235 2.7.0 Welcome", "334 cj14LHM9eCxpPTE=", "334 ???");
    server.replies["AUTH SCRAM-SHA-256"] = reply;
    server.replies["*"] = "501 5.7.0 as you like";
    auto result = run(hop(server));
    CHECK(result.outcome == Outcome::deferred);
    CHECK(result.status == "4.7.0");
    CHECK(server.count("MAIL") == 0);
}

TEST_CASE_METHOD(Sasl, "a long first response waits to be asked for [RFC 4954 4]",
                 "[smtp-client]") {
    std::string token(600, 't');
    lookups.table[hop(server)] = "tim:" + token;
    server.offers.push_back("AUTH XOAUTH2");
    server.replies["AUTH XOAUTH2"] = "334 ";
    CHECK(run(hop(server)).outcome == Outcome::delivered);
    CHECK(server.count("AUTH XOAUTH2") == 1);
    CHECK(std::ranges::find(server.commands, "AUTH XOAUTH2") != server.commands.end());
}

TEST_CASE_METHOD(Sasl, "another mechanism is tried when the server does not know one",
                 "[smtp-client]") {
    server.offers.push_back("AUTH CRAM-MD5 PLAIN");
    server.replies["AUTH CRAM-MD5"] = "504 5.5.4 what?";
    CHECK(run(hop(server)).outcome == Outcome::delivered);
    CHECK(server.count("AUTH PLAIN") == 1);
}

TEST_CASE_METHOD(Sasl, "the filter chooses among mechanisms", "[smtp-client]") {
    configure(std::string(kSasl) + "smtp_sasl_mechanism_filter = login, xoauth2\n");
    server.offers.push_back("AUTH PLAIN LOGIN");
    server.replies["AUTH LOGIN"] = "334 VXNlcm5hbWU6";
    server.replies["dGlt"] = "334 UGFzc3dvcmQ6";
    CHECK(run(hop(server)).outcome == Outcome::delivered);
    CHECK(server.count("AUTH LOGIN") == 1);
    CHECK(server.count("AUTH PLAIN") == 0);
}

TEST_CASE_METHOD(Sasl, "the sender's password counts most", "[smtp-client]") {
    configure(std::string(kSasl) +
              "smtp_sender_dependent_authentication = yes\nsmtp_send_dummy_mail_auth = yes\n");
    lookups.table["from@here.test"] = "from:pw";
    server.offers.push_back("AUTH PLAIN");
    CHECK(run(hop(server)).outcome == Outcome::delivered);
    CHECK(server.count("AUTH PLAIN AGZyb20AcHc=") == 1);
    CHECK(server.count("MAIL FROM:<from@here.test> AUTH=<>") == 1);
    // Nobody else's mail may leave over this connection.
    CHECK(cache->size() == 0);
}

TEST_CASE_METHOD(Sasl, "a refused password returns the mail where that is wanted",
                 "[smtp-client]") {
    bool soft = GENERATE(true, false);
    configure(std::string(kSasl) + "smtp_sasl_auth_cache_name = memory\n" +
              "smtp_sasl_auth_soft_bounce = " + (soft ? "yes" : "no") + "\n");
    server.offers.push_back("AUTH PLAIN");
    server.replies["AUTH"] = "535 5.7.8 no";
    for (int attempt = 0; attempt < 2; ++attempt) {
        auto result = run(hop(server));
        CHECK(result.outcome == (soft ? Outcome::deferred : Outcome::failed));
        CHECK(result.status == (soft ? "4.7.8" : "5.7.8"));
        CHECK(result.text.find("535 5.7.8 no") != std::string::npos);
    }
    // Known by now, it is not tried again until it changes.
    CHECK(server.count("AUTH") == 1);
    lookups.table[hop(server)] = "tim:other";
    run(hop(server));
    CHECK(server.count("AUTH") == 2);
}

TEST_CASE("refused passwords are forgotten after a while", "[smtp-client]") {
    Loop loop;
    Refusals refusals(2, Seconds(10));
    refusals.add("a", "u", "p", "535 no");
    CHECK(refusals.find("a", "u", "p") == "535 no");
    CHECK_FALSE(refusals.find("a", "u", "q"));
    CHECK_FALSE(refusals.find("b", "u", "p"));
    refusals.add("b", "u", "p", "535 b");
    refusals.add("c", "u", "p", "535 c");
    CHECK_FALSE(refusals.find("a", "u", "p"));
    CHECK(refusals.find("c", "u", "p") == "535 c");
    loop.advance(Seconds(10));
    CHECK_FALSE(refusals.find("c", "u", "p"));
}
