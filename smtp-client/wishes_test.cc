#include "lib/spool/delays.h"
#include "lib/spool/envelope.h"
#include "smtp-client/delivery_fixture_test.h"

using namespace facteur;
using namespace facteur::smtp_client;
using ipc::Outcome;

TEST_CASE_METHOD(Client, "priority and time go to who knows them [RFC 6710 4.3, RFC 2852 4.1]",
                 "[smtp-client]") {
    FakeServer server(scope);
    const bool offered = GENERATE(true, false);
    if (offered) server.offers = {"MT-PRIORITY", "DELIVERBY 10", "DSN"};
    job.priority = -3;
    job.by_mode = static_cast<std::uint8_t>(spool::ByMode::notify);
    job.by_trace = true;
    job.deliver_by = spool::wall_clock() / 1'000'000 + 3600;
    auto result = run(hop(server));
    CHECK(result.outcome == Outcome::delivered);
    CHECK(result.by_passed_on == offered);
    const std::string& mail = server.commands.at(1);
    CHECK((mail.find(" MT-PRIORITY=-3") != std::string::npos) == offered);
    const bool by = mail.find(" BY=3600;NT") != std::string::npos ||
                    mail.find(" BY=3599;NT") != std::string::npos;
    CHECK(by == offered);
}

TEST_CASE_METHOD(Client, "what must come back when it is late goes only where that is known",
                 "[smtp-client]") {
    FakeServer server(scope);
    auto [offer, left, outcome, status] = GENERATE(table<std::string, int, Outcome, std::string>({
        {"DELIVERBY 10", 600, Outcome::delivered, "2.0.0"},
        {"DELIVERBY", 600, Outcome::delivered, "2.0.0"},
        {"DELIVERBY 10", 5, Outcome::failed, "5.4.7"},
        {"DELIVERBY", -5, Outcome::failed, "5.4.7"},
        {"8BITMIME", 600, Outcome::failed, "5.3.3"},
    }));
    INFO(offer << " " << left);
    server.offers = {offer};
    job.by_mode = static_cast<std::uint8_t>(spool::ByMode::return_it);
    job.deliver_by = spool::wall_clock() / 1'000'000 + left;
    auto result = run(hop(server));
    CHECK(result.outcome == outcome);
    CHECK(result.status == status);
    CHECK(server.contents.size() == (outcome == Outcome::delivered ? 1 : 0));
}
