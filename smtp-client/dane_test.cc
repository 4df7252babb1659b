#include "smtp-client/dane.h"

#include <catch2/catch.hpp>

#include "lib/config/load.h"
#include "lib/event/loop.h"
#include "smtp-client/fake_server_test.h"

using namespace facteur;
using namespace facteur::smtp_client;
using Kind = TlsaFinding::Kind;

namespace {

struct Dane {
    Loop loop;
    Scope scope;
    FakeResolver resolver;
    Settings settings;
    std::unique_ptr<TlsGround> ground;
    Target target;

    Dane() {
        configure("smtp_tls_security_level = dane\n");
        target.name = "mx.test";
        target.address = *Address::from_ip("192.0.2.1", 25);
        target.dnssec.canonical = "mx.test";
        target.dnssec.host_secure = true;
        target.dnssec.mx = true;
        target.dnssec.mx_domain = target.dnssec.mx_canonical = "there.test";
    }
    void configure(const std::string& main_cf) {
        CHECK(conf::load_text(settings, main_cf).empty());
        ground = std::make_unique<TlsGround>(settings);
    }
    void tlsa(const std::string& host, const std::string& head, bool authentic = true) {
        dns::Answer answer;
        answer.status = dns::Answer::Status::found;
        answer.authentic = authentic;
        dns::Record record;
        record.type = dns::Type::tlsa;
        record.data = head + std::string(32, 'x');
        answer.records.push_back(record);
        resolver.answers["TLSA _25._tcp." + host] = answer;
    }
    static Task<void> ask(Dane& self, TlsaFinding& finding, bool force) {
        finding = co_await find_tlsa(self.resolver, self.scope, self.target, force);
    }
    TlsaFinding find(bool force = false) {
        TlsaFinding finding;
        scope.spawn(ask(*this, finding, force));
        loop.run_until([this] { return scope.running() == 0; });
        return finding;
    }
    Result<TlsPolicy> apply() {
        auto policy = TlsPolicy::from_settings(*ground);
        REQUIRE(policy);
        return with_dane(*policy, *ground, target, find());
    }
};

const std::string kGood("\3\1\1", 3);
const std::string kPkix("\1\1\1", 3);

}  // namespace

TEST_CASE_METHOD(Dane, "signed records of the host are found [RFC 7672 2.2.2]", "[smtp-client]") {
    CHECK(find().kind == Kind::none);
    tlsa("mx.test", kPkix);
    CHECK(find().kind == Kind::unusable);
    tlsa("mx.test", kGood, false);
    CHECK(find().kind == Kind::none);
    tlsa("mx.test", kGood);
    CHECK(find().kind == Kind::usable);
    CHECK(find().base == "mx.test");
    resolver.fail(dns::Type::tlsa, "_25._tcp.mx.test");
    CHECK(find().kind == Kind::failed);
}

TEST_CASE_METHOD(Dane, "nobody asks below unsigned addresses, unless told", "[smtp-client]") {
    tlsa("mx.test", kGood);
    target.dnssec.host_secure = false;
    CHECK(find().kind == Kind::none);
    CHECK(resolver.asked == 0);
    CHECK(find(true).kind == Kind::usable);
}

TEST_CASE_METHOD(Dane, "an alias is looked at from both ends", "[smtp-client]") {
    target.dnssec.canonical = "real.test";
    tlsa("mx.test", kGood);
    CHECK(find().base == "mx.test");
    tlsa("real.test", kGood);
    CHECK(find().base == "real.test");
    target.dnssec.host_secure = false;
    CHECK(find().base == "mx.test");
}

TEST_CASE_METHOD(Dane, "what dane and dane-only come to", "[smtp-client]") {
    auto [head, dane, only] = GENERATE(table<std::string, TlsLevel, std::string>({
        {kGood, TlsLevel::dane, ""},
        {kPkix, TlsLevel::encrypt, "TLSA records unusable"},
        {"", TlsLevel::may, "no TLSA records found"},
    }));
    if (!head.empty()) tlsa("mx.test", head);
    auto policy = apply();
    REQUIRE(policy);
    CHECK(policy->level == dane);
    configure("smtp_tls_security_level = dane-only\n");
    policy = apply();
    CHECK((policy ? std::string() : policy.error().text) == only);
    resolver.fail(dns::Type::tlsa, "_25._tcp.mx.test");
    configure("smtp_tls_security_level = dane\n");
    CHECK(apply().error().text == "TLSA lookup error for mx.test:25");
}

TEST_CASE_METHOD(Dane, "an MX record that is not signed", "[smtp-client]") {
    tlsa("mx.test", kGood);
    target.dnssec.mx_secure = false;
    auto [policy_text, level, half] = GENERATE(table<std::string, TlsLevel, bool>({
        {"", TlsLevel::dane, true},
        {"smtp_tls_dane_insecure_mx_policy = may\n", TlsLevel::may, false},
        {"smtp_tls_dane_insecure_mx_policy = encrypt\n", TlsLevel::encrypt, false},
    }));
    configure("smtp_tls_security_level = dane\n" + policy_text);
    auto policy = apply();
    REQUIRE(policy);
    CHECK(policy->level == level);
    CHECK(policy->half_dane == half);
    configure("smtp_tls_security_level = dane-only\n" + policy_text);
    CHECK(apply().error().text == "non DNSSEC destination");
}

TEST_CASE_METHOD(Dane, "the names and the SNI of DANE [RFC 7672 3.2.3, 8.1]", "[smtp-client]") {
    tlsa("mx.test", kGood);
    target.dnssec.mx_canonical = "other.test";
    auto wish = apply()->wish(target, "there.test");
    CHECK(wish.level == TlsClientWish::Level::dane);
    CHECK(wish.sni == "mx.test");
    CHECK(wish.names == std::vector<std::string>{"mx.test", "other.test", "there.test"});
    CHECK(wish.tlsa.size() == 1);
}
