#include "smtpd/explain.h"

#include <cstdio>
#include <cstdlib>
#include <map>

#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/config/load.h"
#include "lib/daemon/inherited.h"
#include "lib/daemon/options.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/net/proxy_header.h"
#include "lib/net/stream.h"
#include "lib/smtp/address.h"
#include "smtpd/remote.h"
#include "smtpd/server.h"
#include "smtpd/session.h"

namespace facteur::smtpd {
namespace {

void print(const std::vector<std::string>& fields) {
    std::string line;
    for (const std::string& field : fields) {
        if (!line.empty()) line += '\t';
        line += printable(field, 2000);
    }
    std::printf("%s\n", line.c_str());
}

/// The other daemons as they are, but for what would leave a trace.
class DryBackend : public Remote {
public:
    using Remote::Remote;
    bool probes = false;  ///< reject_unverified_*: mail servers are really asked
    Task<Result<ipc::VerifyReply>> verify(ipc::Verify question) override {
        if (probes) return Remote::verify(std::move(question));
        return taken_for_good(std::move(question.address));
    }
    static Task<Result<ipc::VerifyReply>> taken_for_good(std::string address) {
        print({"table", "address verification", address, "not asked: see --probe"});
        ipc::VerifyReply reply;
        reply.status = ipc::Deliverable::yes;
        reply.text = "not asked";
        co_return reply;
    }
    Task<Result<std::optional<std::string>>> access(ipc::Access question) override {
        const std::string table = question.table;
        const std::string key = question.key;
        const std::string ip = question.client_ip;
        auto answer = co_await Remote::access(std::move(question));
        std::string said = "not found";
        if (!answer) said = "failed: " + answer.error().text;
        if (answer && *answer) said = **answer;
        print({"table", table, key, said, ip});
        co_return answer;
    }
    // Counts, greylists and remembers: what it would say another time is not known.
    Task<Result<ipc::PolicyReply>> ask(ipc::Ask) override { co_return ipc::PolicyReply(); }
    Task<Result<std::uint64_t>> tell(ipc::Sessions) override { co_return std::uint64_t{0}; }
    void remember_screened(ipc::ScreenRecord) override {}
    Task<Result<ReservedFile>> reserve(std::string) override { co_return temporary("dry run"); }
    void abandon(std::string) override {}
    Task<Result<void>> submit(ipc::Submit, Fd) override { co_return temporary("dry run"); }
};

using Wishes = std::map<std::string, std::string>;

/// What the client says, one after the other.
std::vector<std::string> commands_of(const Wishes& wishes) {
    const auto get = [&](const std::string& name) {
        const auto found = wishes.find(name);
        return found == wishes.end() ? std::string() : found->second;
    };
    const std::string helo = get("helo").empty() ? "explain.invalid" : get("helo");
    const auto path = [](const std::string& address) {
        return "<" + smtp::to_external(smtp::to_internal(address)) + ">";
    };
    std::vector<std::string> commands = {"EHLO " + helo};
    if (!get("login").empty()) {
        commands.push_back("XCLIENT LOGIN=" + get("login"));
        commands.push_back("EHLO " + helo);
    }
    commands.push_back("MAIL FROM:" + path(get("from")));
    commands.push_back("RCPT TO:" + path(get("to")));
    return commands;
}

Task<std::string> last_line_of(Stream& stream) {
    std::string text;
    for (;;) {
        Line line = co_await stream.read_line(4096);
        const bool last = line.text.size() < 4 || line.text[3] != '-';
        text = std::move(line.text);
        if (last) co_return text;
    }
}

Task<void> converse(Scope& scope, Fd socket, std::vector<std::string> commands, bool& done) {
    Stream stream(scope, std::move(socket));
    stream.set_deadline(std::chrono::minutes(5));
    std::string failure;
    try {
        std::string reply = co_await last_line_of(stream);
        print({"reply", "CONNECT", reply});
        for (const std::string& command : commands) {
            if (reply.starts_with('5') || reply.starts_with('4')) break;
            print({"command", command});
            stream.put(command + "\r\n");
            co_await stream.flush();
            reply = co_await last_line_of(stream);
            print({"reply", command, reply});
        }
        print({"verdict", reply});
        stream.put("QUIT\r\n");
        co_await stream.flush();
        co_await last_line_of(stream);
    } catch (const Disconnect& end) {
        failure = end.what();
    }
    if (!failure.empty()) print({"end", failure});
    done = true;
}

Task<void> serve(Server& server, Fd socket, const ProxyHeader& header, bool& ended) {
    Session session(server, std::move(socket), &header);
    co_await session.run();
    ended = true;
}

/// Where a parameter stands: "main.cf" and its line, or the default.
void print_rule(const conf::MainCf& main_cf, const Consulted& what) {
    static const char* const kOutcomes[] = {"dunno", "permit", "refuse"};
    const conf::Setting* setting = main_cf.find(std::string(what.parameter));
    print({"rule", std::string(what.parameter), setting ? setting->file : "default",
           std::to_string(setting ? setting->line : 0), to_text(what.restriction),
           kOutcomes[static_cast<int>(what.ruling.kind)],
           what.ruling.kind == Ruling::Kind::refuse ? smtp::to_line(what.ruling.reply) : "",
           std::to_string(what.depth)});
}

Result<conf::MainCf> configuration(const daemon::Options& options, const Wishes& wishes) {
    const char* from_environment = std::getenv("MAIL_CONFIG");
    const std::string directory = from_environment ? from_environment : "/etc/facteur";
    TRY(std::string text, daemon::read_main_cf(directory + "/main.cf"));
    conf::MainCf main_cf = conf::MainCf::parse(text, directory + "/main.cf");
    main_cf.override_with("config_directory", directory);
    for (const auto& [name, value] : options.overrides)
        main_cf.override_with(name, value, "master.cf: -o");
    // As if it spoke TLS where it must, and had logged in by other means.
    main_cf.override_with("smtpd_tls_wrappermode", "no");
    main_cf.override_with("smtpd_tls_security_level", "none");
    main_cf.override_with("postscreen_enable", "no");
    const auto login = wishes.find("login");
    const auto client = wishes.find("client");
    if (login != wishes.end() && client != wishes.end())
        main_cf.override_with("smtpd_authorized_xclient_hosts", client->second);
    return main_cf;
}

Result<void> run(Settings& settings, const daemon::Options& options, const Wishes& wishes) {
    TRY(conf::MainCf main_cf, configuration(options, wishes));
    for (const conf::Problem& problem : conf::load(settings, main_cf))
        print({"problem", problem.where_and_what()});
    const auto client = wishes.find("client");
    auto address = Address::from_ip(client == wishes.end() ? "127.0.0.1" : client->second, 0);
    if (!address) return permanent("client: write an IP address");
    if (::chdir(settings.queue_directory().c_str()) != 0)
        return system_error("chdir " + settings.queue_directory());
    Loop loop;
    Scope scope;
    dns::Options name_service;
    name_service.servers = settings.dns.servers();
    name_service.timeout = settings.dns.timeout();
    name_service.tries = settings.dns.tries();
    TRY(auto resolver, dns::make_resolver(name_service));
    DryBackend backend(scope, settings, std::move(resolver), std::string());
    backend.probes = wishes.contains("probe");
    Server server(scope, settings, backend, options.service.empty() ? "smtp" : options.service);
    server.gate.watch([&](const Consulted& what) { print_rule(main_cf, what); });
    int pair[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
        return system_error("socketpair");
    ProxyHeader header;
    header.is_proxied = true;
    header.source = *address;
    header.destination = *address;
    bool done = false;
    bool ended = false;
    scope.spawn(serve(server, Fd(pair[0]), header, ended));
    scope.spawn(converse(scope, Fd(pair[1]), commands_of(wishes), done));
    loop.run_until([&] { return done && ended; });
    return {};
}

}  // namespace

int explain(Settings& settings, const std::vector<std::string>& words) {
    auto options = daemon::parse_options(words);
    if (!options) {
        print({"failure", options.error().text});
        return 1;
    }
    Wishes wishes;
    for (const std::string& word : options->arguments) {
        const auto equals = word.find('=');
        if (equals != std::string::npos) wishes[word.substr(0, equals)] = word.substr(equals + 1);
    }
    auto done = run(settings, *options, wishes);
    if (!done) print({"failure", done.error().text});
    return std::fflush(stdout) == 0 && done ? 0 : 1;
}

}  // namespace facteur::smtpd
