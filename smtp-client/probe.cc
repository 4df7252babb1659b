#include "smtp-client/probe.h"

#include <cstdio>
#include <cstdlib>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/read_file.h"
#include "lib/base/text.h"
#include "lib/config/load.h"
#include "lib/config/main_cf.h"
#include "lib/event/loop.h"
#include "lib/ipc/client.h"
#include "lib/net/socket.h"
#include "smtp-client/conversation.h"
#include "smtp-client/lookups.h"
#include "smtp-client/security.h"
#include "smtp-client/start.h"
#include "smtp-client/sts_services.h"

namespace facteur::smtp_client {
namespace {

using Json = nlohmann::ordered_json;
constexpr Milliseconds kProbePatience{3000};
constexpr std::size_t kMainCfLimit = 4 << 20;

/// A probe leaves nothing behind.
class NoMemory : public StsMemory {
public:
    Task<Result<std::map<std::string, std::string>>> recall() override {
        co_return std::map<std::string, std::string>();
    }
    Task<void> remember(std::string, std::string) override { co_return; }
    Task<void> forget(std::string) override { co_return; }
};

std::string_view level_name(TlsLevel level) {
    for (const auto& [name, one] : kTlsLevels) {
        if (one == level) return name;
    }
    return "none";
}

class Probe {
public:
    Probe(const Settings& settings, std::string recipient, std::string domain)
        : settings_(settings),
          recipient_(std::move(recipient)),
          domain_(std::move(domain)),
          resolver_(resolver_for(settings)),
          reachability_(100, kProbePatience),
          routing_(routing_for(settings, *resolver_, reachability_)),
          ground_(ground_for(settings)),
          web_ca_pem_(authorities(settings.shared_tls.mta_sts_ca_file())),
          clients_(tls_options(settings.tls, settings.shared_tls), web_ca_pem_, nullptr, ""),
          address_(scope_, "private/address", kProbePatience),
          lookups_(address_),
          workers_(1),
          sts_(scope_, *resolver_,
               https_fetch(routing_, scope_, workers_, settings.shared_tls, web_ca_pem_), memory_,
               sts_limits(settings.shared_tls)),
          security_(ground_, lookups_, *resolver_, scope_,
                    settings.shared_tls.mta_sts() ? &sts_ : nullptr) {}

    Task<void> run();
    Json report;
    bool good = false;

private:
    Task<void> tell_sts();
    Task<Json> server(Target target, TlsPolicy policy);
    Task<void> converse(Target target, TlsPolicy policy, Json& told);

    const Settings& settings_;
    std::string recipient_;
    std::string domain_;
    Scope scope_;
    std::unique_ptr<dns::Resolver> resolver_;
    Reachability reachability_;
    Routing routing_;
    TlsGround ground_;
    std::string web_ca_pem_;
    TlsClients clients_;
    ipc::Client address_;
    AddressdLookups lookups_;
    NoMemory memory_;
    WorkerPool workers_;
    StsPolicies sts_;
    Security security_;
    std::string nexthop_host_;
    bool uses_mx_ = false;

public:
    Scope& scope() { return scope_; }
};

Json sts_json(const StsPolicies::Found& found) {
    Json json;
    if (!found.failure.empty()) json["failure"] = found.failure;
    if (!found.entry) return json;
    using Mode = smtp::StsPolicy::Mode;
    const smtp::StsPolicy& policy = found.entry->policy;
    json["id"] = found.entry->id;
    json["mode"] = policy.mode == Mode::enforce   ? "enforce"
                   : policy.mode == Mode::testing ? "testing"
                                                  : "none";
    json["mx"] = policy.mx;
    json["max_age"] = policy.max_age.count();
    return json;
}

Task<void> Probe::tell_sts() {
    auto found = co_await sts_.find(to_lower(nexthop_host_));
    report["mta_sts"] = sts_json(found);
    report["mta_sts"]["obeyed"] = settings_.shared_tls.mta_sts();
}

Json dane_json(const TlsaFinding& finding) {
    using Kind = TlsaFinding::Kind;
    Json json;
    json["result"] = finding.kind == Kind::none       ? "no signed records"
                     : finding.kind == Kind::usable   ? "usable"
                     : finding.kind == Kind::unusable ? "unusable"
                                                      : "lookup failed";
    for (const smtp::Tlsa& record : finding.records)
        json["records"].push_back(record.text());
    return json;
}

Json tls_json(const TlsInfo& info) {
    Json json;
    json["trust"] = info.trust_text();
    json["protocol"] = info.protocol;
    json["cipher"] = info.cipher;
    json["certificate"] = info.peer_name;
    json["issuer"] = info.issuer_name;
    json["fingerprint"] = info.fingerprint;
    if (!info.why.empty()) json["why_not"] = info.why;
    return json;
}

/// Up to RCPT, when an address was given; the message is never begun.
Task<void> Probe::converse(Target target, TlsPolicy policy, Json& told) {
    TimePoint deadline = Loop::current().now() + settings_.timeouts.connect();
    Result<Fd> socket = co_await connect_to(scope_, target.address, deadline, Address());
    if (!socket) {
        told["connection"] = socket.error().text;
        co_return;
    }
    told["connection"] = "ok";
    Manner manner;
    manner.tls = std::move(policy);
    manner.nexthop_host = nexthop_host_;
    auto stream = std::make_unique<Stream>(scope_, *std::move(socket));
    Conversation conversation(settings_, std::move(target), std::move(manner), std::move(stream));
    Attempt opened = co_await conversation.open(clients_, false);
    told["starttls"] = conversation.offered_starttls();
    if (conversation.tls()) told["tls"] = tls_json(*conversation.tls());
    if (!opened) {
        told["result"] = opened.error().text;
        conversation.quit();
        co_return;
    }
    told["requiretls"] = conversation.offered_requiretls();
    told["result"] = "ready for mail";
    good = true;
    if (!recipient_.empty()) {
        ipc::Job job;
        job.verify = true;
        ipc::JobRecipient recipient;
        recipient.address = recipient_;
        job.recipients.push_back(recipient);
        Content nothing{std::string()};
        Envelope envelope;
        envelope.job = &job;
        envelope.content = &nothing;
        envelope.recipients.push_back(&job.recipients.front());
        auto verdicts = co_await conversation.deliver(std::move(envelope));
        good = verdicts.at(0).kind == Verdict::Kind::accepted;
        told["recipient"] = good ? smtp::to_line(verdicts[0].reply) : verdicts[0].trouble.text;
    }
    conversation.quit();
}

Task<Json> Probe::server(Target target, TlsPolicy policy) {
    Json told;
    told["host"] = target.name;
    told["preference"] = target.preference;
    told["address"] = target.address.ip();
    told["dnssec"] = Json::object();
    if (target.dnssec.mx) told["dnssec"]["mx"] = target.dnssec.mx_secure;
    told["dnssec"]["address"] = target.dnssec.host_secure;
    auto finding = co_await find_tlsa(*resolver_, scope_, target, false);
    told["dane"] = dane_json(finding);
    std::string domain;
    if (uses_mx_) domain = nexthop_host_;
    auto own = co_await security_.of_target(policy, target, std::move(domain), SenderWish::none);
    if (!own) {
        told["result"] = own.error().text;
        co_return told;
    }
    told["level"] = own->mta_sts ? "secure (MTA-STS)" : level_name(own->level);
    co_await converse(std::move(target), *own, told);
    co_return told;
}

Task<void> Probe::run() {
    constexpr std::uint16_t kSmtpPort = 25;
    report["domain"] = domain_;
    auto nexthop = Nexthop::parse(domain_, Protocol::smtp, kSmtpPort);
    if (!nexthop) {
        report["error"] = nexthop.error().text;
        co_return;
    }
    nexthop_host_ = nexthop->host;
    uses_mx_ = nexthop->use_mx;
    if (uses_mx_) co_await tell_sts();
    auto servers = co_await find_targets(routing_, scope_, *nexthop);
    if (!servers) {
        report["error"] = servers.error().text;
        co_return;
    }
    auto policy = co_await security_.of_nexthop(domain_);
    if (!policy) {
        report["error"] = policy.error().text;
        co_return;
    }
    report["configured_level"] = level_name(policy->level);
    for (const Target& target : servers->targets) {
        Json told = co_await server(target, *policy);
        report["servers"].push_back(std::move(told));
    }
}

std::string words_of(const Json& json) {
    if (json.is_string()) return json.get<std::string>();
    if (json.is_boolean()) return json.get<bool>() ? "yes" : "no";
    if (!json.is_array()) return json.dump();
    std::string text;
    for (const Json& one : json)
        text += (text.empty() ? "" : ", ") + words_of(one);
    return text;
}

void print(const Json& json, int indent) {
    for (const auto& [name, value] : json.items()) {
        if (name == "servers") {
            for (const Json& server : value) {
                std::puts("");
                print(server, indent);
            }
        } else if (value.is_object()) {
            std::puts(fmt::format("{:{}}{}:", "", indent, name).c_str());
            print(value, indent + 2);
        } else {
            std::puts(fmt::format("{:{}}{}: {}", "", indent, name, words_of(value)).c_str());
        }
    }
}

Task<void> run_to_end(Probe& probe, bool& done) {
    co_await probe.run();
    done = true;
}

int complain(const std::string& text) {
    std::fputs(("facteur probe: " + text + "\n").c_str(), stderr);
    return 2;
}

}  // namespace

int probe(int argc, char** argv) {
    std::string what;
    bool as_json = false;
    for (int i = 2; i < argc; ++i) {
        std::string_view word(argv[i]);
        if (word == "--json") {
            as_json = true;
        } else {
            what = word;
        }
    }
    if (what.empty()) return complain("a domain or an address, please");
    Log::set_tag("probe");
    const char* folder = std::getenv("MAIL_CONFIG");
    std::string directory = folder ? folder : "/etc/facteur";
    auto text = read_file(directory + "/main.cf", kMainCfLimit);
    if (!text) return complain(text.error().text);
    conf::MainCf main_cf = conf::MainCf::parse(*text, directory + "/main.cf");
    main_cf.override_with("config_directory", directory);
    Settings settings;
    for (const conf::Problem& problem : conf::load(settings, main_cf)) {
        if (problem.level == conf::Problem::Level::error) return complain(problem.where_and_what());
    }
    if (::chdir(settings.queue_directory().c_str()) < 0)
        return complain(system_error("chdir " + settings.queue_directory()).error().text);
    auto at = what.rfind('@');
    bool is_address = at != std::string::npos;
    Loop loop;
    Probe one(settings, is_address ? what : std::string(), what.substr(is_address ? at + 1 : 0));
    bool done = false;
    one.scope().spawn(run_to_end(one, done));
    loop.run_until([&] { return done; });
    one.scope().cancel();
    loop.run_until([&] { return one.scope().running() == 0; });
    if (as_json) {
        std::puts(one.report.dump(2).c_str());
    } else {
        print(one.report, 0);
    }
    return one.good ? 0 : 1;
}

}  // namespace facteur::smtp_client
