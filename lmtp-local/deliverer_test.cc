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
    aliases["list"].owner = "owner-list@host.test";
    auto [name, notify, passed_on, orcpt] = GENERATE(table<std::string, int, bool, std::string>({
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
