#include <filesystem>
#include <fstream>
#include <optional>

#include <catch2/catch.hpp>
#include <stdlib.h>
#include <unistd.h>

#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/event/worker.h"
#include "lib/store/maildir/tree.h"
#include "lib/store/store.h"

namespace facteur::store {
namespace {

namespace fs = std::filesystem;

const std::string kText = "From: a@b\r\nSubject: one\r\n\r\nHello\r\n";

/// A user's mail in a folder of its own, with the loop and threads that it needs.
class Fixture {
public:
    Fixture() : workers(2) {
        char pattern[] = "/tmp/facteur-maildir-XXXXXX";
        root = ::mkdtemp(pattern);
        store = open_again();
    }
    ~Fixture() {
        store.reset();
        fs::remove_all(root);
    }

    template <class T>
    T run(Task<T> task) {
        std::optional<T> result;
        scope.spawn(into(result, std::move(task)));
        loop.run_until([&] { return result.has_value(); });
        return *std::move(result);
    }
    void run(Task<void> task) {
        scope.spawn(std::move(task));
        loop.run_until([&] { return scope.running() == 0; });
    }
    std::unique_ptr<Store> open_again() {
        Options options;
        options.hostname = "host.test";
        auto opened = run(open_store("maildir:" + root + "/Maildir", options, workers));
        REQUIRE(opened);
        return *std::move(opened);
    }
    std::unique_ptr<Mailbox> open(const std::string& name, bool read_only = false) {
        auto opened = run(store->open(name, read_only));
        INFO((opened ? "" : opened.error().text));
        REQUIRE(opened);
        return *std::move(opened);
    }
    Appended append(const std::string& name, Flags flags = 0) {
        NewMessage message;
        message.bytes = kText;
        message.flags = flags;
        auto appended = run(store->append(name, std::move(message)));
        INFO((appended ? "" : appended.error().text));
        REQUIRE(appended);
        return *appended;
    }
    Changes sync(Mailbox& mailbox, bool expunges = true) {
        auto changes = run(mailbox.sync(expunges));
        REQUIRE(changes);
        return *changes;
    }
    /// Names of the mailboxes that are there.
    std::vector<std::string> names() {
        auto found = run(store->list());
        REQUIRE(found);
        std::vector<std::string> out;
        for (const MailboxInfo& info : *found)
            if (info.exists && info.selectable) out.push_back(info.name);
        return out;
    }
    static std::string text_of(const Content& content) {
        std::string out(content.size, '\0');
        REQUIRE(::pread(content.fd.get(), out.data(), out.size(), 0) ==
                static_cast<ssize_t>(out.size()));
        return out;
    }

    Loop loop;
    Scope scope;
    WorkerPool workers;
    std::string root;
    std::unique_ptr<Store> store;

private:
    template <class T>
    static Task<void> into(std::optional<T>& result, Task<T> task) {
        result.emplace(co_await std::move(task));
    }
};

using Names = std::vector<std::string>;
using Uids = std::vector<std::uint32_t>;

TEST_CASE_METHOD(Fixture, "INBOX is made by the first delivery", "[store]") {
    CHECK(names() == Names{"INBOX"});
    CHECK(append("inbox").uid == 1);
    CHECK(fs::is_directory(root + "/Maildir/new"));
    CHECK(store->flush_domain() == 0);  // nothing waits for a flush: that one was durable
    NewMessage later;
    later.bytes = kText;
    later.durability = Durability::later;
    REQUIRE(run(store->append("INBOX", std::move(later))));
    CHECK(store->flush_domain() != 0);
    CHECK(run(store->flush()));
    auto status = run(store->status("INBOX"));
    REQUIRE(status);
    CHECK(status->messages == 2);
    CHECK(status->unseen == 2);
    CHECK(status->uid_next == 3);
    CHECK(status->size == 2 * kText.size());
}

TEST_CASE_METHOD(Fixture, "mailboxes are made, renamed with what is below, and removed",
                 "[store]") {
    REQUIRE(run(store->create("Lists.C++")));
    REQUIRE(run(store->create("Lists")));
    REQUIRE(run(store->create("Entwürfe")));
    CHECK(run(store->create("Lists")).error().status == "5.2.0");
    CHECK(run(store->create("INBOX")).error().status == "5.2.0");
    CHECK(run(store->create("a..b")).error().status == "5.1.3");
    CHECK(names() == Names{"Entwürfe", "INBOX", "Lists", "Lists.C++"});
    CHECK(fs::exists(root + "/Maildir/.Entw&APw-rfe/maildirfolder"));
    append("Lists.C++");
    auto before = run(store->status("Lists.C++"));
    REQUIRE(run(store->rename("Lists", "Old")));
    CHECK(names() == Names{"Entwürfe", "INBOX", "Old", "Old.C++"});
    auto after = run(store->status("Old.C++"));
    REQUIRE((before && after));
    CHECK(after->messages == 1);
    CHECK(after->uid_validity == before->uid_validity);
    CHECK(run(store->rename("Old", "Old.Older")).error().status == "5.1.3");
    CHECK(run(store->rename("Lists", "New")).error().status == "5.1.1");
    REQUIRE(run(store->remove("Old.C++")));
    CHECK(run(store->remove("Old.C++")).error().status == "5.1.1");
    CHECK(run(store->remove("INBOX")).error().status == "5.1.3");
    CHECK(names() == Names{"Entwürfe", "INBOX", "Old"});
}

TEST_CASE_METHOD(Fixture, "renaming INBOX moves its messages [RFC 3501 6.3.5]", "[store]") {
    append("INBOX", flagged);
    append("INBOX");
    REQUIRE(run(store->rename("INBOX", "Old")));
    CHECK(run(store->status("INBOX"))->messages == 0);
    auto old = open("Old");
    CHECK(old->size() == 2);
    CHECK(old->message(1).flags == flagged);
}

TEST_CASE_METHOD(Fixture, "a subscription outlives its mailbox [RFC 3501 6.3.9]", "[store]") {
    REQUIRE(run(store->create("Work")));
    REQUIRE(run(store->subscribe("Work", true)));
    REQUIRE(run(store->remove("Work")));
    auto found = run(open_again()->list());
    REQUIRE(found);
    REQUIRE(found->size() == 2);
    CHECK(found->at(1).name == "Work");
    CHECK(found->at(1).subscribed);
    CHECK_FALSE(found->at(1).exists);
    REQUIRE(run(store->subscribe("Work", false)));
    CHECK(run(store->list())->size() == 1);
}

TEST_CASE_METHOD(Fixture, "a mailbox made again has another UIDVALIDITY", "[store]") {
    REQUIRE(run(store->create("Work")));
    append("Work");
    auto before = run(store->status("Work"));
    REQUIRE(run(store->remove("Work")));
    REQUIRE(run(store->create("Work")));
    append("Work");
    CHECK(run(store->status("Work"))->uid_validity > before->uid_validity);
}

TEST_CASE_METHOD(Fixture, "several messages are appended all or none [RFC 3502]", "[store]") {
    std::vector<NewMessage> messages(2);
    messages[0].bytes = kText;
    messages[1].bytes = kText;
    messages[1].keywords.assign(kMaxKeywords + 1, "");
    for (std::size_t i = 0; i <= kMaxKeywords; ++i)
        messages[1].keywords[i] = "k" + std::to_string(i);
    CHECK(run(store->append_all("INBOX", std::move(messages))).error().status == "5.2.3");
    CHECK(run(store->status("INBOX"))->messages == 0);
    CHECK(fs::is_empty(root + "/Maildir/new"));
    CHECK(fs::is_empty(root + "/Maildir/cur"));
    CHECK(fs::is_empty(root + "/Maildir/tmp"));
    NewMessage lost;
    lost.bytes = kText;
    CHECK(run(store->append("Nowhere", std::move(lost))).error().status == "5.1.1");
}

TEST_CASE_METHOD(Fixture, "a view changes only in sync()", "[store]") {
    append("INBOX");
    append("INBOX", seen);
    auto view = open("INBOX");
    CHECK(view->size() == 2);
    CHECK(view->recent() == 2);
    CHECK(view->message(1).recent);
    append("INBOX");
    CHECK(view->size() == 2);
    Changes changes = sync(*view);
    CHECK(changes.exists);
    CHECK(changes.expunged.empty());
    CHECK(view->size() == 3);
    CHECK(view->uid(3) == 3);
    CHECK(view->sequence_from(2) == 2);
    CHECK(view->sequence_from(9) == 4);
    // Another session was not told first of any of them.
    auto second = open("INBOX");
    CHECK(second->recent() == 0);
}

TEST_CASE_METHOD(Fixture,
                 "what another session expunges stays in the view until it may be told "
                 "[RFC 3501 7.4.1]",
                 "[store]") {
    for (int i = 0; i < 4; ++i)
        append("INBOX");
    auto one = open("INBOX");
    auto two = open("INBOX");
    FlagChange deleting;
    deleting.flags = deleted;
    auto stored = run(one->store(Uids{2, 3}, deleting));
    REQUIRE(stored);
    CHECK(stored->changed == Uids{2, 3});
    auto gone = run(one->expunge(std::nullopt));
    REQUIRE(gone);
    CHECK(*gone == Uids{2, 3});
    Changes quiet = sync(*two, false);
    CHECK(quiet.expunged.empty());
    CHECK(two->size() == 4);
    CHECK(two->message(2).expunged);
    CHECK(run(two->content(2)).error().status == "5.7.0");
    Changes told = sync(*two, true);
    CHECK(told.expunged == Uids{3, 2});
    CHECK(told.expunged_uids == Uids{2, 3});
    CHECK(two->size() == 2);
    CHECK(two->uid(2) == 4);
}

TEST_CASE_METHOD(Fixture, "flags that others change are told, one's own are not", "[store]") {
    append("INBOX");
    append("INBOX");
    auto one = open("INBOX");
    auto two = open("INBOX");
    FlagChange change;
    change.flags = flagged;
    change.keywords = {"work"};
    auto stored = run(one->store(Uids{2}, change));
    REQUIRE(stored);
    CHECK(sync(*one).flags.empty());
    Changes told = sync(*two);
    CHECK(told.flags == Uids{2});
    CHECK(told.keywords);
    CHECK(two->message(2).flags == flagged);
    CHECK(two->keywords() == Names{"work"});
    CHECK(two->highest_modseq() == stored->modseq);
    // RFC 7162 section 3.1.3: who has not seen that change does not overwrite it.
    change.unchanged_since = stored->modseq - 1;
    change.mode = FlagChange::Mode::remove;
    stored = run(two->store(Uids{1, 2}, change));
    REQUIRE(stored);
    CHECK(stored->changed.empty());
    CHECK(stored->modified == Uids{2});
}

TEST_CASE_METHOD(Fixture, "a read-only view changes nothing", "[store]") {
    append("INBOX");
    auto view = open("INBOX", true);
    CHECK(view->read_only());
    CHECK(view->recent() == 1);
    CHECK(run(view->store(Uids{1}, FlagChange())).error().status == "5.7.1");
    CHECK(run(view->expunge(std::nullopt)).error().status == "5.7.1");
    CHECK(run(view->move(Uids{1}, "INBOX")).error().status == "5.7.1");
    // \Recent is still to be had by a session that can change the mailbox.
    CHECK(open("INBOX")->recent() == 1);
}

TEST_CASE_METHOD(Fixture, "messages are copied and moved with their flags", "[store]") {
    append("INBOX", flagged);
    append("INBOX");
    REQUIRE(run(store->create("Work")));
    auto view = open("INBOX");
    CHECK(run(view->copy(Uids{1}, "Nowhere")).error().status == "5.1.2");
    auto copied = run(view->copy(Uids{1}, "Work"));
    REQUIRE(copied);
    CHECK(copied->source == Uids{1});
    CHECK(copied->target == Uids{1});
    auto moved = run(view->move(Uids{2}, "Work"));
    REQUIRE(moved);
    CHECK(moved->target == Uids{2});
    CHECK(sync(*view).expunged == Uids{2});
    auto work = open("Work");
    CHECK(work->uid_validity() == copied->uid_validity);
    CHECK(work->message(1).flags == flagged);
    auto content = run(work->content(2));
    REQUIRE(content);
    CHECK(text_of(*content) == kText);
    auto summary = run(work->summary(2));
    REQUIRE(summary);
    CHECK(summary->preview == "Hello");
}

TEST_CASE_METHOD(Fixture, "sizes of what other programs stored are measured", "[store]") {
    append("INBOX");
    std::ofstream(root + "/Maildir/new/1.mutt.host") << "Subject: x\n\nLF only\n";
    auto view = open("INBOX");
    REQUIRE(view->size() == 2);
    CHECK(view->message(2).size == 0);
    REQUIRE(run(view->measure(Uids{1, 2})));
    CHECK(view->message(2).size == 23);
    auto content = run(view->content(2));
    REQUIRE(content);
    CHECK(text_of(*content) == "Subject: x\r\n\r\nLF only\r\n");
}

TEST_CASE_METHOD(Fixture, "closing writes flags into the file names", "[store]") {
    append("INBOX");
    auto view = open("INBOX");
    FlagChange change;
    change.flags = seen;
    REQUIRE(run(view->store(Uids{1}, change)));
    run(view->close());
    CHECK(fs::is_empty(root + "/Maildir/new"));
    std::string name = fs::directory_iterator(root + "/Maildir/cur")->path().filename();
    CHECK(name.ends_with(":2,S"));
}

TEST_CASE_METHOD(Fixture, "a view of a mailbox that is removed is told so", "[store]") {
    REQUIRE(run(store->create("Work")));
    append("Work");
    auto view = open("Work");
    REQUIRE(run(store->remove("Work")));
    CHECK(sync(*view).gone);
}

Task<void> wait_for(Signal& signal, Scope& scope, bool& told) {
    told = false;
    co_await signal.wait(scope);
    told = true;
}

TEST_CASE_METHOD(Fixture, "whoever watches is told of another's delivery", "[store]") {
    append("INBOX");
    auto view = open("INBOX");
    bool told = true;
    Scope waiting;
    waiting.spawn(wait_for(view->changed(), waiting, told));
    loop.run_until([&] { return !told; });
    // By another program: nothing but the directory tells it.
    std::ofstream(root + "/Maildir/tmp/2.mutt.host") << kText;
    fs::rename(root + "/Maildir/tmp/2.mutt.host", root + "/Maildir/new/2.mutt.host");
    loop.run_until([&] { return told; });
    CHECK(sync(*view).exists);
    CHECK(view->size() == 2);
}

/// Descriptors of this process that are open below a folder.
std::size_t open_below(const std::string& folder) {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
        std::error_code failure;
        if (fs::read_symlink(entry.path(), failure).string().starts_with(folder)) ++count;
    }
    return count;
}

struct Keeping : Fixture {
    Keeping() { maildir::keep_folders(2); }
    ~Keeping() { maildir::keep_folders(0); }
};

TEST_CASE_METHOD(Keeping, "folders that were used last stay open, up to the limit", "[store]") {
    for (const char* name : {"One", "Two", "Three"}) {
        REQUIRE(run(store->create(name)));
        append(name);
    }
    CHECK(open_below(root + "/Maildir/.One") == 0);
    CHECK(open_below(root + "/Maildir/.Two") > 0);
    CHECK(open_below(root + "/Maildir/.Three") > 0);
    append("Two");
    append("One");
    CHECK(open_below(root + "/Maildir/.Two") > 0);
    CHECK(open_below(root + "/Maildir/.Three") == 0);
    CHECK(append("One").uid == 3);
    REQUIRE(run(store->remove("One")));
    CHECK(open_below(root + "/Maildir/.One") == 0);
    maildir::let_folders_go();
    CHECK(open_below(root + "/Maildir/.Two") == 0);
    CHECK(append("Two").uid == 3);
}

TEST_CASE_METHOD(Keeping, "a folder that is kept sees what others did to it meanwhile", "[store]") {
    append("INBOX");
    SECTION("its index is gone") {
        fs::remove(root + "/Maildir/facteur.index");
        CHECK(append("INBOX").uid > 1);  // what may have been shown is not given again
    }
    SECTION("all of it is gone") {
        fs::remove_all(root + "/Maildir");
        CHECK(append("INBOX").uid == 1);
    }
    SECTION("another took its place") {
        const std::uint32_t before = append("INBOX").uid_validity;
        fs::rename(root + "/Maildir", root + "/Old");
        Appended appended = append("INBOX");
        CHECK(appended.uid == 1);
        CHECK(appended.uid_validity >= before);
        fs::remove_all(root + "/Maildir");
        fs::rename(root + "/Old", root + "/Maildir");
        CHECK(append("INBOX").uid == 3);
    }
    CHECK(run(store->status("INBOX")).has_value());
}

TEST_CASE("a location that is no Maildir is refused", "[store]") {
    Loop loop;
    WorkerPool workers(1);
    Scope scope;
    for (const char* location : {"mbox:/var/mail/tim", "maildir:", "", "maildir::INDEX=/x"}) {
        std::optional<bool> refused;
        auto ask = [](std::string text, WorkerPool& pool, std::optional<bool>& out) -> Task<void> {
            Options options;
            auto opened = co_await open_store(std::move(text), std::move(options), pool);
            out = !opened && opened.error().status == "5.3.5";
        };
        scope.spawn(ask(location, workers, refused));
        loop.run_until([&] { return refused.has_value(); });
        INFO(location);
        CHECK(*refused);
    }
}

}  // namespace
}  // namespace facteur::store
