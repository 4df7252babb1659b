#include "lmtp-local/deliverer.h"

#include "lib/spool/envelope.h"
#include "lmtp-local/fake_house.h"

namespace facteur::lmtp_local {
namespace {

const std::string kText = "Subject: one\r\n\r\nHello\r\n";
using ipc::AliasKind;

/// Everything is this process's own: hands cannot become others here (tests/e2e has those).
struct Fixture : FakeHouse {
    explicit Fixture(const std::string& main_cf = "") : FakeHouse(main_cf) {
        add_user("tim");
        add_user("ann");
    }
    Outcome local(const std::string& address, const std::string& id = "4bXyz") {
        Mail message = mail(kText, id);
        return run(deliverer.to_local(message, recipient(address)));
    }
    void alias(const std::string& name, std::vector<ipc::AliasTarget> targets) {
        aliases[name].targets = std::move(targets);
    }
    std::string file(const std::string& name) const { return read(path() + "/" + name); }

    Flusher flusher{Milliseconds(10), 100,
                    [](const std::vector<Flusher::Job>&, const Result<void>&) {}};
    Hands hands{scope, Broker::start(std::nullopt), 3};
    Deliverer deliverer{scope, workers, settings, flusher, hands};
};

TEST_CASE_METHOD(Fixture, "a user's mail goes into the mailbox, with any extension",
                 "[lmtp-local]") {
    Outcome outcome = local("Tim+lists@host.test");
    CHECK(outcome.outcome == ipc::Outcome::written);
    CHECK(outcome.domains.size() == 1);
    REQUIRE(messages("tim").size() == 1);
    CHECK(messages("tim")[0].find("Delivered-To: tim+lists@host.test\r\n") != std::string::npos);
    CHECK(local("nobody@host.test").status == "5.1.1");
}

TEST_CASE_METHOD(Fixture, "~/.forward sends mail on", "[lmtp-local]") {
    put(home("tim") + "/.forward", "tim, a@elsewhere.test, |cat >> " + path() + "/out\n");
    Outcome outcome = local("tim@host.test");
    INFO(outcome.text);
    CHECK(outcome.outcome == ipc::Outcome::written);
    CHECK(messages("tim").size() == 1);
    REQUIRE(submitted.size() == 1);
    CHECK(submitted[0].message.recipients.at(0).address == "a@elsewhere.test");
    CHECK(submitted[0].content == "Delivered-To: tim@host.test\r\n" + kText);
    CHECK(file("out").starts_with("From a@example.org  "));
    // The extension has its own file.
    put(home("tim") + "/.forward+x", path() + "/box\n");
    CHECK(local("tim+x@host.test").text == "delivered to file: " + path() + "/box");
    CHECK(file("box").find("\nDelivered-To: tim+x@host.test\n") != std::string::npos);
    // An empty one does not forward.
    put(home("tim") + "/.forward", "# on holiday\n");
    CHECK(local("tim@host.test", "4bXyy").outcome == ipc::Outcome::written);
    CHECK(messages("tim").size() == 2);
}

TEST_CASE_METHOD(Fixture, "what is sent on reports for its recipient [RFC 3461 5.2.7]",
                 "[lmtp-local]") {
    alias("one", {{AliasKind::address, "a@elsewhere.test"}});
    alias("two", {{AliasKind::address, "a@elsewhere.test"}, {AliasKind::address, "b@x.test"}});
    alias("list", {{AliasKind::address, "a@elsewhere.test"}});
    aliases["list"].targets[0].owner = "owner-list@host.test";
    auto [name, notify, passed_on, orcpt] =
        GENERATE(Catch::Generators::table<std::string, int, bool, std::string>({
            {"one", spool::notify_success | spool::notify_failure, true, "rfc822;X@host.test"},
            {"two", spool::notify_failure, false, "rfc822;X@host.test"},
            {"list", 0, false, ""},
        }));
    INFO(name);
    Mail message = mail(kText, "4bXyz");
    message.envid = "E1";
    message.ret = static_cast<std::uint8_t>(spool::Ret::headers);
    message.priority = 4;
    ipc::JobRecipient to = recipient(name + "@host.test");
    to.notify = spool::notify_success | spool::notify_failure;
    to.orcpt = "rfc822;X@host.test";
    Outcome outcome = run(deliverer.to_local(message, to));
    CHECK(outcome.dsn_passed_on == passed_on);
    REQUIRE(submitted.size() == 1);
    const ipc::Submit& submit = submitted[0].message;
    CHECK(submit.recipients.at(0).notify == notify);
    CHECK(submit.recipients.at(0).orcpt == orcpt);
    CHECK(submit.envid == (name == "list" ? "" : "E1"));
    CHECK(submit.priority == 4);
}

TEST_CASE_METHOD(Fixture, "an alias is users, commands, files and addresses", "[lmtp-local]") {
    alias("all", {{AliasKind::address, "a@elsewhere.test"},
                  {AliasKind::command, "env >> " + path() + "/out"},
                  {AliasKind::file, path() + "/box"},
                  {AliasKind::file, path() + "/dir/"},
                  {AliasKind::user, "tim"}});
    Outcome outcome = local("all@host.test");
    INFO(outcome.text);
    CHECK(outcome.outcome == ipc::Outcome::written);
    CHECK(messages("tim").size() == 1);
    CHECK(file("out").find("RECIPIENT=all@host.test\n") != std::string::npos);
    CHECK(file("out").find("SENDER=a@example.org\n") != std::string::npos);
    CHECK(file("out").find("HOME=") == std::string::npos);
    CHECK(file("box").starts_with("From a@example.org  "));
    CHECK(std::distance(std::filesystem::directory_iterator(path() + "/dir/new"), {}) == 1);
    CHECK(submitted.size() == 1);
}

TEST_CASE_METHOD(Fixture, "what is deferred comes before what would be done twice",
                 "[lmtp-local]") {
    alias("all", {{AliasKind::address, "a@elsewhere.test"},
                  {AliasKind::command, "echo once >> " + path() + "/out"},
                  {AliasKind::command, "exit 75"},
                  {AliasKind::command, "echo later >> " + path() + "/out"},
                  {AliasKind::user, "tim"}});
    Outcome outcome = local("all@host.test");
    CHECK(outcome.outcome == ipc::Outcome::deferred);
    CHECK(outcome.status == "4.3.0");
    CHECK(outcome.domains.size() == 1);
    CHECK(file("out") == "once\n");
    CHECK(submitted.empty());
    // The next attempt finds what was delivered.
    local("all@host.test");
    CHECK(messages("tim").size() == 1);
}

TEST_CASE_METHOD(Fixture, "a command that fails returns the mail with what it said",
                 "[lmtp-local]") {
    alias("bad", {{AliasKind::command, "echo 5.7.1 go away; exit 1"}});
    Outcome outcome = local("bad@host.test");
    CHECK(outcome.outcome == ipc::Outcome::failed);
    CHECK(outcome.status == "5.7.1");
    CHECK(outcome.text == "go away");
}

struct NoCommands : Fixture {
    NoCommands() : Fixture("allow_mail_to_commands = alias\nallow_mail_to_files = alias\n") {}
};

TEST_CASE_METHOD(NoCommands, "commands and files may be kept out of ~/.forward", "[lmtp-local]") {
    put(home("tim") + "/.forward", "|touch " + path() + "/out\n");
    CHECK(local("tim@host.test").status == "5.7.1");
    put(home("tim") + "/.forward", path() + "/box\n");
    CHECK(local("tim@host.test").status == "5.7.1");
    CHECK_FALSE(std::filesystem::exists(path() + "/out"));
    CHECK_FALSE(std::filesystem::exists(path() + "/box"));
    alias("cmd", {{AliasKind::command, "touch " + path() + "/out"}});
    CHECK(local("cmd@host.test").outcome == ipc::Outcome::delivered);
}

struct HomeMailbox : Fixture {
    HomeMailbox() : Fixture("home_mailbox = mbox\n") {}
};

TEST_CASE_METHOD(HomeMailbox, "home_mailbox says where a user's mail is", "[lmtp-local]") {
    CHECK(local("tim@host.test").text == "delivered to mailbox");
    CHECK(read(home("tim") + "/mbox").starts_with("From a@example.org  "));
    CHECK(messages("tim").empty());
}

struct MailboxCommand : Fixture {
    MailboxCommand() : Fixture("mailbox_command = cat > $HOME/got-\"$EXTENSION\"\n") {}
};

TEST_CASE_METHOD(MailboxCommand, "mailbox_command takes a user's mail", "[lmtp-local]") {
    CHECK(local("tim+x@host.test").outcome == ipc::Outcome::delivered);
    CHECK(read(home("tim") + "/got-x").find("Hello\n") != std::string::npos);
}

struct Transports : Fixture {
    Transports()
        : Fixture(
              "mailbox_transport_maps = hash:box\nfallback_transport_maps = hash:other\n"
              "fallback_transport = smtp:[fall.test]\n") {
        tables["hash:box"] = {{"ann", "lmtp:unix:private/dovecot"}, {"bob", "local:"}};
        tables["hash:other"] = {{"eve", "smtp:[eve.test]"}};
    }
};

TEST_CASE_METHOD(Transports, "mailboxes may be other transports'", "[lmtp-local]") {
    CHECK(local("tim@host.test").outcome == ipc::Outcome::written);
    Outcome passed = local("ann+x@host.test");
    CHECK(passed.outcome == ipc::Outcome::expanded);
    CHECK(passed.dsn_passed_on);
    REQUIRE(submitted.size() == 1);
    CHECK(submitted[0].message.filter == "lmtp:unix:private/dovecot");
    CHECK(submitted[0].message.recipients.at(0).address == "ann+x@host.test");
    CHECK(submitted[0].content == kText);
    // Unknown names have the same, and ways of their own.
    CHECK(local("bob@host.test").status == "4.3.5");
    CHECK(local("eve@host.test").is_good());
    CHECK(local("who@host.test").is_good());
    CHECK(submitted.at(1).message.filter == "smtp:[eve.test]");
    CHECK(submitted.at(2).message.filter == "smtp:[fall.test]");
    CHECK(run(deliverer.verify(recipient("who@host.test"), true)).is_good());
}

struct Luser : Fixture {
    Luser() : Fixture("luser_relay = $user@other.test\nprepend_delivered_header = forward\n") {}
};

TEST_CASE_METHOD(Luser, "luser_relay takes mail of unknown names", "[lmtp-local]") {
    CHECK(local("who+x@host.test").is_good());
    REQUIRE(submitted.size() == 1);
    CHECK(submitted[0].message.recipients.at(0).address == "who@other.test");
    CHECK(submitted[0].message.protocol == "forwarded");
    CHECK(submitted[0].content == "Delivered-To: who+x@host.test\r\n" + kText);
    CHECK(local("tim@host.test").is_good());
    CHECK(messages("tim").at(0).find("Delivered-To:") == std::string::npos);
}

TEST_CASE_METHOD(Fixture, "names that must be there are, one way or the other", "[lmtp-local]") {
    CHECK(local("postmaster@host.test").text == "discarded");
    CHECK(local("MAILER-DAEMON+x@host.test").text == "discarded");
}

TEST_CASE_METHOD(Fixture, "users whom an alias names have their ~/.forward", "[lmtp-local]") {
    put(home("tim") + "/.forward", "t@elsewhere.test\n");
    put(home("ann") + "/.forward", "a@elsewhere.test\n");
    alias("both", {{AliasKind::account, "tim+x"}, {AliasKind::account, "ann"}});
    CHECK(local("both@host.test").outcome == ipc::Outcome::expanded);
    REQUIRE(submitted.size() == 2);
    CHECK(submitted[0].message.queue_id != submitted[1].message.queue_id);
    CHECK(submitted[0].message.recipients.at(0).address == "t@elsewhere.test");
    CHECK(submitted[0].content.starts_with("Delivered-To: both@host.test\r\n"));
    alias("plain", {{AliasKind::user, "tim"}});
    CHECK(local("plain@host.test").outcome == ipc::Outcome::written);
    CHECK(submitted.size() == 2);
}

TEST_CASE_METHOD(Fixture, "each owner has a message", "[lmtp-local]") {
    alias("list", {{AliasKind::address, "a@x.test", "owner-list@host.test", ""},
                   {AliasKind::address, "b@x.test", "owner-in@host.test", "in"},
                   {AliasKind::address, "c@x.test", "owner-list@host.test", ""}});
    CHECK(local("list@host.test").is_good());
    REQUIRE(submitted.size() == 2);
    CHECK(submitted[0].message.sender == "owner-in@host.test");
    CHECK(submitted[1].message.sender == "owner-list@host.test");
    CHECK(submitted[1].message.recipients.size() == 2);
    CHECK(submitted[0].message.queue_id != submitted[1].message.queue_id);
}

struct Thawed : Fixture {
    Thawed() : Fixture("frozen_delivered_to = no\npropagate_unmatched_extensions = forward\n") {}
};

TEST_CASE_METHOD(Thawed, "Delivered-To follows aliases when it is not frozen", "[lmtp-local]") {
    alias("list", {{AliasKind::address, "b@x.test", "", "in"}, {AliasKind::user, "tim", "", "in"}});
    CHECK(local("list@host.test").is_good());
    CHECK(submitted.at(0).content.starts_with("Delivered-To: in@host.test\r\n"));
    CHECK(messages("tim").at(0).find("Delivered-To: in@host.test\r\n") != std::string::npos);
    // An extension without a file of its own goes on.
    put(home("ann") + "/.forward", "a@elsewhere.test\n");
    CHECK(local("ann+x@host.test", "4bXzz").is_good());
    CHECK(submitted.at(1).message.recipients.at(0).address == "a+x@elsewhere.test");
}

struct NeedsHome : Fixture {
    NeedsHome() : Fixture("require_home_directory = yes\n") {}
};

TEST_CASE_METHOD(NeedsHome, "mail may wait for a home directory", "[lmtp-local]") {
    CHECK(local("tim@host.test").is_good());
    std::filesystem::remove_all(home("ann"));
    CHECK(local("ann@host.test").outcome == ipc::Outcome::deferred);
}

struct VirtualTables : Fixture {
    VirtualTables()
        : Fixture(
              "virtual_mailbox_maps = hash:boxes\nvirtual_uid_maps = hash:uids\n"
              "virtual_gid_maps = hash:gids\nvirtual_minimum_uid = 1000\n"
              "virtual_mailbox_base = /\nvirtual_mailbox_limit = 1000\n") {
        const std::string at = path().substr(1);
        tables["hash:boxes"] = {{"dir@v.test", at + "/vbox/dir/"},
                                {"file@v.test", at + "/vbox.mbox"},
                                {"out@v.test", "../etc/x"},
                                {"low@v.test", at + "/low/"},
                                {"none@v.test", at + "/none/"}};
        for (const char* who : {"dir@v.test", "file@v.test", "out@v.test", "low@v.test"}) {
            tables["hash:uids"][who] = "5000";
            tables["hash:gids"][who] = "5000";
        }
        tables["hash:uids"]["low@v.test"] = "999";
    }
    Outcome virtual_to(const std::string& address, const std::string& text = kText) {
        Mail message = mail(text);
        return run(deliverer.to_virtual(message, recipient(address)));
    }
};

TEST_CASE_METHOD(VirtualTables, "tables say where virtual mailboxes are", "[lmtp-local]") {
    Outcome maildir = virtual_to("dir@v.test");
    INFO(maildir.text);
    CHECK(maildir.outcome == ipc::Outcome::written);
    CHECK(std::distance(std::filesystem::directory_iterator(path() + "/vbox/dir/new"), {}) == 1);
    CHECK(virtual_to("file@v.test").text == "delivered to mailbox");
    CHECK(file("vbox.mbox").find("Delivered-To: file@v.test\n") != std::string::npos);
    CHECK(virtual_to("who@v.test").status == "5.1.1");
    CHECK(virtual_to("out@v.test").status == "4.3.5");
    CHECK(virtual_to("low@v.test").status == "4.3.5");
    CHECK(virtual_to("none@v.test").status == "4.3.5");
    const std::string large(2000, 'x');
    CHECK(virtual_to("dir@v.test", large).status == "5.2.2");
    CHECK(virtual_to("file@v.test", large).status == "5.2.2");
    CHECK(run(deliverer.verify(recipient("dir@v.test"), false)).is_good());
    CHECK(run(deliverer.verify(recipient("who@v.test"), false)).status == "5.1.1");
}

TEST_CASE_METHOD(Fixture, "a message that came back is refused", "[lmtp-local]") {
    Mail message = mail("Delivered-To: tim@host.test\r\n" + kText);
    Outcome outcome = run(deliverer.to_local(message, recipient("tim@host.test")));
    CHECK(outcome.status == "5.4.6");
}

TEST_CASE_METHOD(Fixture, "there are never more processes than allowed", "[lmtp-local]") {
    alias("cmd", {{AliasKind::command, "true"}});
    std::vector<Mail> mails;
    for (int i = 0; i < 12; ++i)
        mails.push_back(mail(kText));
    std::size_t most = 0;
    int done = 0;
    auto deliver = [](Fixture& self, Mail& message, int& count, std::size_t& high) -> Task<void> {
        ipc::JobRecipient to = recipient("cmd@host.test");
        Outcome outcome = co_await self.deliverer.to_local(message, to);
        if (outcome.outcome == ipc::Outcome::delivered) ++count;
        high = std::max(high, self.hands.running());
    };
    for (Mail& message : mails)
        scope.spawn(deliver(*this, message, done, most));
    until([&] {
        most = std::max(most, hands.running());
        return done == 12;
    });
    CHECK(most == 3);
}

TEST_CASE_METHOD(Fixture, "a hand that dies defers its mail", "[lmtp-local]") {
    alias("kill", {{AliasKind::command, "kill -9 $PPID"}});
    Outcome outcome = local("kill@host.test");
    CHECK(outcome.outcome == ipc::Outcome::deferred);
    CHECK(outcome.text.find("ended before it was done") != std::string::npos);
    CHECK(local("tim@host.test").outcome == ipc::Outcome::written);
}

TEST_CASE_METHOD(Fixture, "a hand does not become somebody else without the right to",
                 "[lmtp-local]") {
    ForwardTask task;
    auto answer = run(hands.ask(Identity{12345, 12345, 0}, std::move(task)));
    CHECK_FALSE(answer);
}

}  // namespace
}  // namespace facteur::lmtp_local
