#include "lib/store/maildir/folder.h"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/store/maildir/file_name.h"
#include "lib/store/maildir/files.h"

namespace facteur::store::maildir {
namespace {

namespace fs = std::filesystem;

const std::string kText = "From: a@b\r\nSubject: one\r\n\r\nHello\r\n";

/// A Maildir of its own, removed at the end.
class Fixture {
public:
    Fixture() {
        char pattern[] = "/tmp/facteur-store-XXXXXX";
        dir = ::mkdtemp(pattern);
        for (const char* sub : {"cur", "new", "tmp"})
            fs::create_directory(dir + "/" + sub);
    }
    ~Fixture() { fs::remove_all(dir); }

    /// As another process would see it: nothing is shared in memory.
    std::unique_ptr<Folder> open(std::uint64_t boot = 7) {
        FolderOptions options;
        options.hostname = "host.test";
        options.boot = boot;
        options.new_uid_validity = [] { return 1000U; };
        auto folder = std::make_unique<Folder>(dir, options);
        auto refreshed = folder->refresh();
        INFO((refreshed ? "" : refreshed.error().text));
        REQUIRE(refreshed);
        return folder;
    }
    Appended append(Folder& folder, NewMessage message) {
        std::vector<NewMessage> messages;
        messages.push_back(std::move(message));
        auto file = MessageFile::write({dir, "host.test", 0600}, messages[0]);
        REQUIRE(file);
        std::vector<MessageFile> files;
        files.push_back(*std::move(file));
        auto appended = folder.append(files, messages);
        INFO((appended ? "" : appended.error().text));
        REQUIRE(appended);
        return appended->front();
    }
    Appended append(Folder& folder, Durability durability = Durability::later) {
        NewMessage message;
        message.bytes = kText;
        message.durability = durability;
        return append(folder, std::move(message));
    }
    void put(const std::string& path, const std::string& text = kText) const {
        std::ofstream(dir + "/" + path, std::ios::binary) << text;
    }
    std::vector<std::string> files(const std::string& sub) const {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(dir + "/" + sub))
            names.push_back(entry.path().filename());
        std::sort(names.begin(), names.end());
        return names;
    }
    std::string dir;
};

std::vector<std::uint32_t> uids(const Folder& folder) {
    std::vector<std::uint32_t> out;
    folder.read([&](const index::State& state) {
        state.each([&](const index::Entry& entry) { out.push_back(entry.uid); });
    });
    return out;
}

Flags flags(const Folder& folder, std::uint32_t uid) {
    return folder.read([&](const index::State& state) {
        const index::Entry* entry = state.find(uid);
        return entry ? entry->flags : Flags{0xff};
    });
}

std::string text_of(Folder& folder, std::uint32_t uid) {
    auto content = folder.content(uid);
    REQUIRE(content);
    std::string out(content->size, '\0');
    REQUIRE(::pread(content->fd.get(), out.data(), out.size(), 0) ==
            static_cast<ssize_t>(out.size()));
    return out;
}

using Uids = std::vector<std::uint32_t>;

TEST_CASE_METHOD(Fixture, "what is appended is found by another process", "[store]") {
    auto writer = open();
    auto reader = open();
    CHECK(append(*writer).uid == 1);
    NewMessage flagged_message;
    flagged_message.bytes = kText;
    flagged_message.flags = seen | flagged;
    flagged_message.keywords = {"$Label1"};
    flagged_message.internal_date = 1000000000;
    CHECK(append(*writer, std::move(flagged_message)).uid == 2);
    REQUIRE(reader->refresh());
    CHECK(uids(*reader) == Uids{1, 2});
    CHECK(flags(*reader, 2) == (seen | flagged));
    CHECK(text_of(*reader, 1) == kText);
    reader->read([](const index::State& state) {
        CHECK(state.keywords() == std::vector<std::string>{"$Label1"});
        CHECK(state.find(2)->keywords == 1);
        CHECK(state.find(2)->date == 1000000000);
        CHECK(state.find(1)->size == kText.size());
    });
    auto summary = reader->summary(1);
    REQUIRE(summary);
    CHECK(summary->fields == "From: a@b\r\nSubject: one\r\n");
    CHECK(summary->preview == "Hello");
    CHECK(files("new").size() == 1);
    REQUIRE(files("cur").size() == 1);
    CHECK(files("cur")[0].ends_with(",U=2:2,FSa"));
}

TEST_CASE_METHOD(Fixture, "flags reach file names lazily and come back from them", "[store]") {
    auto folder = open();
    append(*folder);
    FlagChange change;
    change.flags = seen;
    change.keywords = {"work"};
    auto stored = folder->change_flags({1}, change);
    REQUIRE(stored);
    CHECK(stored->changed == Uids{1});
    CHECK(files("cur").empty());
    REQUIRE(folder->claim_recent());
    REQUIRE(folder->write_names());
    REQUIRE(files("cur").size() == 1);
    CHECK(files("cur")[0].ends_with(":2,Sa"));
    // mutt answers it and takes the seen flag away
    std::string old_name = dir + "/cur/" + files("cur")[0];
    std::string base = old_name.substr(0, old_name.rfind(':'));
    fs::rename(old_name, base + ":2,Ra");
    REQUIRE(folder->refresh(true));
    CHECK(flags(*folder, 1) == answered);
    CHECK(text_of(*folder, 1) == kText);
}

TEST_CASE_METHOD(Fixture, "our unwritten flag and another program's flag are both kept",
                 "[store]") {
    auto folder = open();
    append(*folder);
    FlagChange change;
    change.flags = flagged;
    REQUIRE(folder->change_flags({1}, change));
    std::string name = files("new")[0];
    fs::rename(dir + "/new/" + name, dir + "/cur/" + name + ":2,S");
    REQUIRE(folder->refresh(true));
    CHECK(flags(*folder, 1) == (flagged | seen));
}

TEST_CASE_METHOD(Fixture, "files of other programs get UIDs, and those that go are expunged",
                 "[store]") {
    auto folder = open();
    append(*folder);
    put("new/1000.abc.host", "Subject: lf\n\nbody\n");
    put("cur/1001.def.host:2,SF");
    REQUIRE(folder->refresh(true));
    CHECK(uids(*folder) == Uids{1, 2, 3});
    CHECK(flags(*folder, 3) == (seen | flagged));
    CHECK(text_of(*folder, 2) == "Subject: lf\r\n\r\nbody\r\n");
    REQUIRE(folder->measure({1, 2, 3}));
    folder->read([](const index::State& state) { CHECK(state.find(2)->size == 21); });
    CHECK(files("cur")[0] == "1001.def.host,U=3:2,SF");
    fs::remove(dir + "/cur/" + files("cur")[0]);
    REQUIRE(folder->refresh(true));
    CHECK(uids(*folder) == Uids{1, 2});
    CHECK_FALSE(folder->content(3));
}

TEST_CASE_METHOD(Fixture, "a copied file is a message of its own", "[store]") {
    auto folder = open();
    append(*folder);
    fs::copy(dir + "/new/" + files("new")[0], dir + "/cur/" + files("new")[0] + ":2,S");
    REQUIRE(folder->refresh(true));
    CHECK(uids(*folder) == Uids{1, 2});
    REQUIRE(folder->refresh(true));
    CHECK(uids(*folder) == Uids{1, 2});
}

TEST_CASE_METHOD(Fixture, "a lost index is rebuilt with the same UIDs", "[store]") {
    {
        auto folder = open();
        for (int i = 0; i < 5; ++i)
            append(*folder);
        FlagChange change;
        change.flags = deleted;
        REQUIRE(folder->change_flags({2, 5}, change));
        REQUIRE(folder->promise_uids());
        CHECK(folder->expunge(std::nullopt) == Uids{2, 5});
        change.flags = seen;
        REQUIRE(folder->change_flags({3}, change));
        REQUIRE(folder->claim_recent());
        REQUIRE(folder->write_names());
    }
    auto damage = GENERATE(as<std::string>(), "remove", "empty", "garbage");
    INFO(damage);
    if (damage == "remove") fs::remove(dir + "/facteur.index");
    if (damage == "empty") put("facteur.index", "");
    if (damage == "garbage") put("facteur.index", std::string(5000, 'x'));
    auto folder = open();
    CHECK(uids(*folder) == Uids{1, 3, 4});
    CHECK(flags(*folder, 3) == seen);
    folder->read([](const index::State& state) { CHECK(state.uid_validity() == 1000); });
    CHECK(append(*folder).uid > 5);
}

TEST_CASE_METHOD(Fixture, "a log cut at any byte loses no message and gives no UID twice",
                 "[store]") {
    std::size_t size = 0;
    {
        auto folder = open();
        for (int i = 0; i < 4; ++i)
            append(*folder);
        REQUIRE(folder->promise_uids());
        FlagChange change;
        change.flags = deleted;
        REQUIRE(folder->change_flags({4}, change));
        REQUIRE(folder->expunge(std::nullopt));
        size = fs::file_size(dir + "/facteur.index");
    }
    std::string whole = read_file(dir + "/facteur.index");
    std::string saved = dir + ".saved";
    fs::copy(dir, saved, fs::copy_options::recursive);
    for (std::size_t cut = 0; cut <= size; cut += cut < 300 ? 7 : 31) {
        INFO("cut at " << cut);
        fs::remove_all(dir);
        fs::copy(saved, dir, fs::copy_options::recursive);
        put("facteur.index", whole.substr(0, cut));
        // A process that is killed tears at most the record that it was writing.
        const std::uint64_t boot = cut + 5 > size ? 7 : 8;
        auto folder = open(boot);
        CHECK(uids(*folder) == Uids{1, 2, 3});
        Appended next = append(*folder);
        CHECK(next.uid > 4);
        auto again = open(boot);
        CHECK(uids(*again) == Uids{1, 2, 3, next.uid});
    }
    fs::remove_all(saved);
}

TEST_CASE_METHOD(Fixture, "UIDs and modseqs jump over what a power cut may have lost", "[store]") {
    std::string old_index;
    std::uint64_t shown_modseq = 0;
    {
        auto folder = open(7);
        append(*folder);
        REQUIRE(folder->promise_uids());
        old_index = read_file(dir + "/facteur.index");
        append(*folder);
        FlagChange change;
        change.flags = seen;
        REQUIRE(folder->change_flags({1}, change));
        shown_modseq = folder->read([](const index::State& state) { return state.modseq(); });
    }
    // The second message and its record never reached the disk.
    put("facteur.index", old_index);
    for (const std::string& name : files("new"))
        if (name.find(",U=2") != std::string::npos) fs::remove(dir + "/new/" + name);
    auto folder = open(8);
    CHECK(uids(*folder) == Uids{1});
    CHECK(append(*folder).uid > 2);
    CHECK(folder->read([](const index::State& state) { return state.modseq(); }) > shown_modseq);
}

TEST_CASE_METHOD(Fixture, "a repeated delivery is made once, wherever its message is", "[store]") {
    auto deliver = [this](Folder& folder) {
        NewMessage message;
        message.bytes = kText;
        message.durability = Durability::later;
        message.delivery_id = "4bXyz-0";
        message.maybe_delivered = true;
        return append(folder, std::move(message)).duplicate;
    };
    auto folder = open();
    CHECK_FALSE(deliver(*folder));
    SECTION("still new") {
        CHECK(deliver(*folder));
    }
    SECTION("its record was lost") {
        fs::remove(dir + "/facteur.index");
        CHECK(deliver(*open()));
    }
    SECTION("read and moved by another program") {
        std::string name = files("new")[0];
        fs::rename(dir + "/new/" + name, dir + "/cur/" + name + ":2,S");
        CHECK(deliver(*folder));
    }
    SECTION("expunged by its owner") {
        REQUIRE(folder->expunge(Uids{1}, true));
        CHECK(deliver(*folder));
        CHECK(deliver(*open()));
    }
    SECTION("torn in a power cut: the name is there, the content is not") {
        std::string torn = files("new")[0];
        fs::resize_file(dir + "/new/" + torn, 0);
        SECTION("but the size is") {
            fs::resize_file(dir + "/new/" + torn, kText.size());
            CHECK_FALSE(deliver(*open(8)));
        }
        SECTION("with its record") {
            CHECK_FALSE(deliver(*open(8)));
        }
        SECTION("without its record") {
            fs::remove(dir + "/facteur.index");
            CHECK_FALSE(deliver(*open(8)));
        }
        REQUIRE(files("new").size() == 1);
        CHECK(read_file(dir + "/new/" + files("new")[0]) == kText);
    }
    SECTION("readable from memory after a flush that failed: the bytes are written once more") {
        struct stat before {};
        struct stat after {};
        std::string path = dir + "/new/" + files("new")[0];
        REQUIRE(::stat(path.c_str(), &before) == 0);
        CHECK(deliver(*folder));
        REQUIRE(files("new").size() == 1);
        REQUIRE(::stat(path.c_str(), &after) == 0);
        CHECK(after.st_ino != before.st_ino);
        CHECK(after.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
        CHECK(files("tmp").empty());
        CHECK(uids(*folder) == Uids{1});
    }
    SECTION("lost in a power cut") {
        for (const std::string& name : files("new"))
            fs::remove(dir + "/new/" + name);
        CHECK_FALSE(deliver(*open(8)));
    }
}

TEST_CASE_METHOD(Fixture, "an expunge whose files survived a crash stays an expunge", "[store]") {
    auto folder = open();
    append(*folder);
    append(*folder);
    std::string name = files("new")[0];
    std::string kept = read_file(dir + "/new/" + name);
    // Another program renames the file just before it is unlinked.
    fs::rename(dir + "/new/" + name, dir + "/cur/" + name + ":2,S");
    CHECK(folder->expunge(Uids{1}, true) == Uids{1});
    REQUIRE(folder->refresh(true));
    CHECK(uids(*folder) == Uids{2});
    CHECK(files("cur").empty());
    // Restored from a backup later, it is a new message.
    put("cur/" + name + ":2,S", kept);
    REQUIRE(folder->refresh(true));
    CHECK(uids(*folder) == Uids{2, 3});
}

TEST_CASE_METHOD(Fixture, "a compacted index says the same", "[store]") {
    auto folder = open();
    NewMessage message;
    message.bytes = "Subject: " + std::string(3000, 'x') + "\r\n\r\nHello\r\n";
    constexpr std::uint32_t kMessages = 150;
    for (std::uint32_t i = 0; i < kMessages; ++i) {
        NewMessage next;
        next.bytes = message.bytes;
        next.durability = Durability::later;
        append(*folder, std::move(next));
        FlagChange change;
        change.flags = i % 2 ? seen : flagged;
        REQUIRE(folder->change_flags({i + 1}, change));
    }
    REQUIRE(folder->expunge(Uids{1, 2, 3}, true));
    bool cached = false;
    for (const auto& entry : fs::directory_iterator(dir))
        cached = cached || entry.path().filename().string().starts_with("facteur.cache.");
    CHECK(cached);
    auto again = open();
    CHECK(uids(*again) == uids(*folder));
    CHECK(uids(*again).size() == kMessages - 3);
    for (std::uint32_t uid : uids(*again)) {
        CHECK(flags(*again, uid) == flags(*folder, uid));
        auto summary = again->cached_summary(uid);
        REQUIRE(summary);
        CHECK(summary->preview == "Hello");
    }
}

TEST_CASE_METHOD(Fixture, "copies are durable messages of the other folder", "[store]") {
    auto folder = open();
    append(*folder);
    append(*folder);
    FlagChange change;
    change.flags = answered;
    change.keywords = {"k1", "k2"};
    REQUIRE(folder->change_flags({2}, change));
    Fixture other;
    auto target = other.open();
    other.append(*target);
    auto copied = folder->copy_to(*target, {1, 2});
    REQUIRE(copied);
    CHECK(copied->source == Uids{1, 2});
    CHECK(copied->target == Uids{2, 3});
    CHECK(flags(*target, 3) == answered);
    CHECK(text_of(*target, 2) == kText);
    CHECK(target->cached_summary(3)->preview == "Hello");
    auto missing = folder->copy_to(*target, {1, 99});
    REQUIRE_FALSE(missing);
    CHECK(missing.error().status == "5.7.0");
    CHECK(uids(*target) == Uids{1, 2, 3});
}

TEST_CASE_METHOD(Fixture, "unchanged_since protects messages [RFC 7162 3.1.3]", "[store]") {
    auto folder = open();
    append(*folder);
    append(*folder);
    std::uint64_t now = folder->read([](const index::State& state) { return state.modseq(); });
    FlagChange change;
    change.flags = seen;
    REQUIRE(folder->change_flags({1}, change));
    change.flags = flagged;
    change.unchanged_since = now;
    auto outcome = folder->change_flags({1, 2}, change);
    REQUIRE(outcome);
    CHECK(outcome->changed == Uids{2});
    CHECK(outcome->modified == Uids{1});
}

TEST_CASE_METHOD(Fixture, "two processes deliver and change one folder at once", "[store]") {
    open();
    constexpr int kEach = 60;
    std::vector<pid_t> children;
    for (int child = 0; child < 3; ++child) {
        pid_t pid = ::fork();
        if (pid == 0) {
            auto folder = open();
            for (int i = 0; i < kEach; ++i) {
                append(*folder);
                FlagChange change;
                change.flags = seen;
                if (!folder->change_flags({static_cast<std::uint32_t>(i + 1)}, change)) ::_exit(1);
            }
            ::_exit(0);
        }
        children.push_back(pid);
    }
    for (pid_t pid : children) {
        int status = 1;
        REQUIRE(::waitpid(pid, &status, 0) == pid);
        CHECK(status == 0);
    }
    auto folder = open();
    Uids found = uids(*folder);
    REQUIRE(found.size() == 3 * kEach);
    for (std::uint32_t i = 0; i < found.size(); ++i)
        CHECK(found[i] == i + 1);
    CHECK(files("new").size() == 3 * kEach);
}

}  // namespace
}  // namespace facteur::store::maildir
