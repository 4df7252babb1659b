#include <cstdlib>
#include <fstream>
#include <memory>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "addressd/address_list.h"
#include "addressd/aliases.h"
#include "addressd/mapping.h"
#include "addressd/questions.h"
#include "addressd/rewrite.h"
#include "addressd/routing.h"
#include "lib/config/load.h"
#include "lib/event/loop.h"
#include "lib/event/scope.h"

using namespace facteur;
using namespace facteur::addressd;

namespace {

constexpr const char* kBase =
    "myhostname = mail.here.test\nmydomain = here.test\nmyorigin = here.test\n"
    "mydestination = here.test, localhost\nrecipient_delimiter = +\n"
    "alias_maps = inline:{ root=admin, { list = bob, carol@else.test, \"|/bin/prog -x, y\" },"
    " { owner-list = admin }, { deep = list, dave+x }, loop1=loop2, loop2=loop1, self=self,"
    " { esc = \\root, /var/mail/box }, failing=:include:/nowhere/x }\n"
    "local_recipient_maps = inline:{ bob=x, admin=x } $alias_maps\n"
    "virtual_alias_domains = alias.test\n"
    "virtual_alias_maps = inline:{ a@alias.test=bob@here.test,"
    " { two@alias.test = bob, carol@else.test }, @dom.alias.test=@else.test,"
    " x@alias.test=y@alias.test, y@alias.test=x@alias.test, { both@here.test = both@here.test, bob "
    "},"
    " short=admin }\n"
    "virtual_mailbox_domains = box.test\nvirtual_mailbox_maps = inline:{ tim@box.test=1 }\n"
    "relay_domains = relay.test\nrelay_recipient_maps = inline:{ @relay.test=ok }\n"
    "append_dot_mydomain = no\n";

struct Fixture {
    Loop loop;
    Scope scope;
    table::Tables tables{table::Surroundings{&scope, nullptr, nullptr}};
    Settings settings;
    std::unique_ptr<Classes> classes;

    Fixture() { use(""); }
    void use(const std::string& more) {
        const auto problems = conf::load_text(settings, kBase + more);
        for (const auto& problem : problems) {
            if (problem.level == conf::Problem::Level::error) FAIL(problem.where_and_what());
        }
        classes = std::make_unique<Classes>(settings, tables);
    }
    template <class T>
    static Task<void> store(Task<T> task, std::optional<T>& result) {
        result.emplace(co_await task);
    }
    template <class T>
    T wait(Task<T> task) {
        std::optional<T> result;
        scope.spawn(store(std::move(task), result));
        loop.run_until([&] { return result.has_value(); });
        return *std::move(result);
    }
    std::string kind(const std::string& address) {
        static const char* const kNames[] = {"local", "alias", "mailbox", "relay", "other"};
        auto place = wait(classes->locate(address));
        if (!place) return "error";
        auto exists = wait(classes->exists(*place));
        if (!exists) return "failure";
        return std::string(kNames[static_cast<int>(place->address_class)]) + (*exists ? "" : "?");
    }
    std::string expand(const std::string& address) {
        const Mapping mapping(settings, *classes, tables);
        auto result = wait(mapping.recipient(address));
        return result ? join(*result, " ") : result.error().status;
    }
    std::string way(const std::string& address, const std::string& sender = "s@else.test") {
        const Routing routing(settings, *classes, tables);
        auto result = wait(routing.route(address, sender));
        return result ? result->transport + ":" + result->nexthop : result.error().status;
    }
    std::string alias(const std::string& name) {
        const Aliases aliases(settings, *classes, tables, nullptr);
        auto result = wait(aliases.expand(name));
        if (!result) return result.error().status;
        if (!result->found) return "none";
        std::string all;
        for (const auto& target : result->targets)
            all += (all.empty() ? "" : " ") +
                   std::string(1, "@\\|/u"[static_cast<int>(target.kind)]) + target.value +
                   (target.owner.empty() ? "" : "[" + target.owner + "]");
        return all;
    }
    static std::string join(const std::vector<std::string>& list, const std::string& by) {
        std::string all;
        for (const auto& each : list)
            all += (all.empty() ? "" : by) + each;
        return all;
    }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "addresses are rewritten to user@domain", "[addressd]") {
    auto [address, expected] = GENERATE(Catch::Generators::table<std::string, std::string>({
        {"", ""},
        {"user", "user@here.test"},
        {"user@", "user@here.test"},
        {"user@host", "user@host"},
        {"user@else.test.", "user@else.test"},
        {"user@[192.0.2.1]", "user@[192.0.2.1]"},
        {"site!user", "user@site"},
        {"a!b!user", "b!user@a"},
        {"user%site", "user@site"},
        {"a%b%site", "a%b@site"},
        {"user%site@host.test", "user%site@host.test"},
        {"@a,@b:user@c.test", "user@c.test"},
        {"%", "%@here.test"},
        {"!", "!@here.test"},
    }));
    CHECK(rewrite(address, settings) == expected);
}

TEST_CASE_METHOD(Fixture, "a host name without a dot gets the domain when asked for",
                 "[addressd]") {
    use("append_dot_mydomain = yes\n");
    CHECK(rewrite("user@host", settings) == "user@host.here.test");
    CHECK(rewrite("user@[::1]", settings) == "user@[::1]");
}

TEST_CASE_METHOD(Fixture, "addresses fall into classes, and exist or not", "[addressd]") {
    auto [address, expected] = GENERATE(Catch::Generators::table<std::string, std::string>({
        {"bob@here.test", "local"},
        {"BOB@Here.Test", "local"},
        {"bob+folder@here.test", "local"},
        {"root", "local"},
        {"nobody@here.test", "local?"},
        {"short@here.test", "local"},
        {"a@alias.test", "alias"},
        {"b@alias.test", "alias?"},
        {"tim@box.test", "mailbox"},
        {"tim+x@box.test", "mailbox"},
        {"tom@box.test", "mailbox?"},
        {"any@relay.test", "relay"},
        {"any@sub.relay.test", "relay?"},
        {"any@else.test", "other"},
        // The anti-relay cases: what is left after our own domain counts.
        {"any%else.test@here.test", "other"},
        {"any@else.test@here.test", "other"},
        {"else.test!any@here.test", "other"},
        {"a%else.test%here.test", "other"},
        {"bob@[127.0.0.1]", "local"},
        {"bob@[IPv6:::1]", "local"},
        {"bob@[192.0.2.77]", "other"},
        {"", "local?"},
    }));
    INFO(address);
    CHECK(kind(address) == expected);
}

TEST_CASE_METHOD(Fixture, "a table that fails is a temporary failure, never an unknown user",
                 "[addressd]") {
    use("local_recipient_maps = fail:x\nvirtual_mailbox_domains = fail:y\n");
    CHECK(kind("nobody@here.test") == "failure");
    CHECK(kind("nobody@box.test") == "error");
}

TEST_CASE_METHOD(Fixture, "empty recipient maps accept everybody", "[addressd]") {
    use("local_recipient_maps =\nvirtual_mailbox_maps =\n");
    CHECK(kind("nobody@here.test") == "local");
    CHECK(kind("nobody@box.test") == "mailbox");
}

TEST_CASE_METHOD(Fixture, "virtual aliases expand, recursively and once each", "[addressd]") {
    CHECK(expand("bob@here.test") == "bob@here.test");
    CHECK(expand("a@alias.test") == "bob@here.test");
    CHECK(expand("a+ext@alias.test") == "bob+ext@here.test");
    CHECK(expand("two@alias.test") == "bob@here.test carol@else.test");
    CHECK(expand("user@dom.alias.test") == "user@else.test");
    CHECK(expand("both@here.test") == "both@here.test bob@here.test");
    CHECK(expand("short") == "admin@here.test");
    CHECK(expand("x@alias.test").empty());
    use("virtual_alias_expansion_limit = 1\n");
    CHECK(expand("two@alias.test") == "5.4.6");
    use("canonical_maps = inline:{ old@here.test=new@here.test, new@here.test=newer@here.test }\n");
    CHECK(expand("old+x@here.test") == "newer+x@here.test");
    const Mapping mapping(settings, *classes, tables);
    CHECK(*wait(mapping.sender("old@here.test")) == "newer@here.test");
    CHECK(wait(mapping.sender(""))->empty());
}

TEST_CASE_METHOD(Fixture, "mail is routed by class, relayhost and transport table", "[addressd]") {
    CHECK(way("bob@here.test") == "local:mail.here.test");
    CHECK(way("tim@box.test") == "virtual:box.test");
    CHECK(way("b@alias.test") == "error:5.1.1 User unknown in virtual alias table");
    CHECK(way("x@relay.test") == "relay:relay.test");
    CHECK(way("x@else.test") == "smtp:else.test");
    use("relayhost = [gw.test]:587\n"
        "sender_dependent_relayhost_maps = inline:{ s@one.test=[one.test], @two.test=DUNNO, "
        "<>=null.test }\n"
        "transport_maps = inline:{ x@else.test=custom:[h]:26, dom.test=:[keep.test], "
        ".sub.test=slow:, bob@here.test=lmtp:unix:private/x, *=:[star] }\n");
    CHECK(way("x@else.test") == "custom:[h]:26");
    CHECK(way("x+e@else.test") == "custom:[h]:26");
    CHECK(way("x@dom.test") == "smtp:[keep.test]");
    CHECK(way("x@a.sub.test") == "slow:a.sub.test");
    CHECK(way("bob@here.test") == "lmtp:unix:private/x");
    CHECK(way("y@else.test") == "smtp:[star]");
    use("relayhost = [gw.test]:587\ntransport_maps =\n"
        "sender_dependent_relayhost_maps = inline:{ s@one.test=[one.test], @two.test=DUNNO, "
        "<>=null.test }\n");
    CHECK(way("x@else.test") == "smtp:[gw.test]:587");
    CHECK(way("x@else.test", "s@one.test") == "smtp:[one.test]");
    CHECK(way("x@else.test", "s@two.test") == "smtp:[gw.test]:587");
    CHECK(way("x@else.test", "") == "smtp:null.test");
    CHECK(way("x@relay.test") == "relay:[gw.test]:587");
    CHECK(way("bob@here.test") == "local:mail.here.test");
}

TEST_CASE_METHOD(Fixture, "aliases expand to users, addresses, commands and files", "[addressd]") {
    CHECK(alias("bob") == "none");
    CHECK(alias("ROOT") == "uadmin");
    CHECK(alias("root+x") == "uadmin");
    const std::string owned =
        "ubob[owner-list@here.test] @carol@else.test[owner-list@here.test] "
        "|/bin/prog -x, y[owner-list@here.test]";
    CHECK(alias("list") == owned);
    CHECK(alias("deep") == owned + " udave+x");
    CHECK(alias("loop1") == "uloop1");
    CHECK(alias("self") == "uself");
    CHECK(alias("esc") == "\\root //var/mail/box");
    CHECK(alias("failing") == "4.3.0");
    use("allow_mail_to_commands =\n");
    CHECK(alias("list") == "5.7.1");
    use("alias_recursion_limit = 1\n");
    CHECK(alias("deep") == "5.4.6");
}

TEST_CASE_METHOD(Fixture, "aliases have owners, and give extensions back", "[addressd]") {
    const std::string maps =
        "alias_maps = inline:{ { outer = inner, x@else.test }, { inner = y@else.test },"
        " { owner-outer = boss@else.test } }\n";
    use(maps);
    CHECK(alias("outer") ==
          "@y@else.test[owner-outer@here.test] @x@else.test[owner-outer@here.test]");
    use(maps + "reset_owner_alias = yes\nexpand_owner_alias = yes\n");
    CHECK(alias("outer") == "@y@else.test @x@else.test[boss@else.test]");
    use(maps + "owner_request_special = no\n");
    CHECK(alias("outer") == "@y@else.test @x@else.test");
    CHECK(alias("inner+z") == "@y@else.test");
    use(maps + "propagate_unmatched_extensions = alias\n");
    CHECK(alias("inner+z") == "@y+z@else.test");
    use(maps +
        "duplicate_filter_limit = 1\nalias_maps = inline:{ { d = a@x.y, b@x.y, b@x.y, a@x.y "
        "} }\n");
    CHECK(alias("d") == "@a@x.y @b@x.y @b@x.y");
}

TEST_CASE_METHOD(Fixture, "included lists may not name commands or files", "[addressd]") {
    char path[] = "/tmp/facteur-include-XXXXXX";
    const int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    close(fd);
    std::ofstream(path) << "# comment\nbob, carol@else.test (her)\nroot\n";
    use("alias_maps = inline:{ { inc = :include:" + std::string(path) + ", dave }, root=admin }\n");
    CHECK(alias("inc") == "ubob @carol@else.test uadmin udave");
    std::ofstream(path) << "\"|/bin/sh\"\n";
    CHECK(alias("inc") == "5.7.1");
    use("allow_mail_to_commands = alias, include\n"
        "alias_maps = inline:{ { inc = :include:" +
        std::string(path) + " } }\n");
    CHECK(alias("inc") == "|/bin/sh");
    unlink(path);
}

TEST_CASE_METHOD(Fixture, "only tables that main.cf names are asked", "[addressd]") {
    use("smtpd_recipient_restrictions = check_client_access inline:{ here.test=REJECT, 192.0.2=OK "
        "}\n"
        "smtpd_sender_login_maps = unionmap:{inline:{bob@here.test=bob},inline:{bob=x}}\n");
    const Questions questions(settings, *classes, tables);
    ipc::Access access;
    access.table = "inline:{ here.test=REJECT, 192.0.2=OK }";
    access.kind = ipc::AccessKey::client;
    access.key = "host.here.test";
    access.client_ip = "192.0.2.5";
    CHECK(*wait(questions.access(access)) == "REJECT");
    access.key = "unknown";
    CHECK(*wait(questions.access(access)) == "OK");
    access.table = "texthash:/etc/passwd";
    CHECK_FALSE(wait(questions.access(access)));
    ipc::Lookup lookup;
    lookup.tables = {"unionmap:{inline:{bob@here.test=bob},inline:{bob=x}}"};
    lookup.kind = ipc::LookupKey::address;
    lookup.key = "bob+y@here.test";
    CHECK(*wait(questions.lookup(lookup)) == "bob");
    lookup.tables = {"static:x"};
    CHECK_FALSE(wait(questions.lookup(lookup)));
    ipc::Match match;
    match.list = "mynetworks";
    match.patterns = {"127.0.0.0/8", "[::1]/128"};
    match.ip = "127.0.0.9";
    CHECK(*wait(questions.match(match)));
    match.patterns = {"/etc/passwd"};
    CHECK_FALSE(wait(questions.match(match)));
}

TEST_CASE("lists of addresses are split outside quotes, comments and brackets", "[addressd]") {
    auto [text, expected] =
        GENERATE(Catch::Generators::table<std::string, std::vector<std::string>>({
            {"a, b c,,d", {"a", "b", "c", "d"}},
            {"\"|prog x, y\", /file", {"|prog x, y", "/file"}},
            {"My Name <a@b>, \"q u\"@c", {"a@b", "\"q u\"@c"}},
            {"a (comment (nested) x), b", {"a", "b"}},
            {"a\\ b", {"a\\ b"}},
            {"\"open", {"\"open"}},
            {"(open", {}},
            {"", {}},
        }));
    INFO(text);
    CHECK(parse_address_list(text) == expected);
}

TEST_CASE_METHOD(Fixture, "masquerading takes hosts off", "[addressd]") {
    use("masquerade_domains = !keep.corp.test corp.test\nmasquerade_exceptions = root\n"
        "masquerade_classes = envelope_sender, envelope_recipient\n");
    const Mapping mapping(settings, *classes, tables);
    CHECK(*wait(mapping.sender("u@host.corp.test")) == "u@corp.test");
    CHECK(*wait(mapping.sender("root@host.corp.test")) == "root@host.corp.test");
    CHECK(*wait(mapping.sender("u@a.keep.corp.test")) == "u@a.keep.corp.test");
    CHECK(*wait(mapping.sender("u@xcorp.test")) == "u@xcorp.test");
    CHECK(expand("u@host.corp.test") == "u@corp.test");
    use("masquerade_domains = corp.test\n");
    CHECK(expand("u@host.corp.test") == "u@host.corp.test");  // not by default
}

TEST_CASE_METHOD(Fixture, "classes say which addresses canonical tables change", "[addressd]") {
    const std::string maps = "canonical_maps = inline:{ u@old.test=u@new.test }\n";
    use(maps + "canonical_classes = envelope_sender\n");
    CHECK(*wait(Mapping(settings, *classes, tables).sender("u@old.test")) == "u@new.test");
    CHECK(expand("u@old.test") == "u@old.test");
    use(maps + "canonical_classes = envelope_recipient\n");
    CHECK(*wait(Mapping(settings, *classes, tables).sender("u@old.test")) == "u@old.test");
    CHECK(expand("u@old.test") == "u@new.test");
}

TEST_CASE_METHOD(Fixture, "copies go to those whom the tables name", "[addressd]") {
    use("always_bcc = archive\nsender_bcc_maps = inline:{ @else.test=spy@here.test }\n"
        "recipient_bcc_maps = inline:{ { tim@box.test = a@alias.test } }\n");
    const Mapping mapping(settings, *classes, tables);
    CHECK(join(*wait(mapping.copies_for_sender("s@else.test")), " ") ==
          "archive@here.test spy@here.test");
    CHECK(join(*wait(mapping.copies_for_sender("")), " ") == "archive@here.test");
    CHECK(join(*wait(mapping.copies_for_recipient("tim+x@box.test")), " ") == "bob@here.test");
    CHECK(wait(mapping.copies_for_recipient("bob@here.test"))->empty());
}

TEST_CASE_METHOD(Fixture, "users who moved are refused with their new address", "[addressd]") {
    use("relocated_maps = inline:{ bob@here.test=bob@new.test }\n"
        "transport_maps = inline:{ { dead.test = error:5.4.0 closed } }\n");
    const Routing routing(settings, *classes, tables);
    CHECK(way("bob@here.test") == "error:5.1.6 User has moved to bob@new.test");
    CHECK(*wait(routing.refusal("bob@here.test")) == "5.1.6 User has moved to bob@new.test");
    CHECK(*wait(routing.refusal("x@dead.test")) == "5.4.0 closed");
    CHECK(wait(routing.refusal("x@live.test"))->empty());
}

TEST_CASE_METHOD(Fixture, "probes have ways of their own", "[addressd]") {
    use("relayhost = relay.test\naddress_verify_relayhost =\n"
        "sender_dependent_relayhost_maps = inline:{ {NULL = [null.test]} }\n"
        "empty_address_relayhost_maps_lookup_key = NULL\n");
    const Routing routing(settings, *classes, tables);
    CHECK(way("x@far.test") == "smtp:relay.test");
    CHECK(way("x@far.test", "") == "smtp:[null.test]");
    CHECK(wait(routing.route("x@far.test", "s@else.test", true))->nexthop == "far.test");
    CHECK(way("-x@far.test") == "error:5.1.3 bad address syntax");
    CHECK(way("x@192.0.2.1") == "error:5.1.3 bad address syntax");
    use("resolve_numeric_domain = yes\nallow_min_user = yes\n");
    CHECK(way("-x@far.test") == "smtp:far.test");
    CHECK(way("x@192.0.2.1") == "smtp:[192.0.2.1]");
}
