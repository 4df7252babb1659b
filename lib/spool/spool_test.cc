#include "lib/spool/spool.h"

#include <atomic>
#include <cstdlib>
#include <map>
#include <set>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "lib/event/errors.h"
#include "lib/event/sleep.h"
#include "lib/spool/power_cut.h"
#include "lib/spool/snapshot.h"

using namespace facteur;
using namespace facteur::spool;

namespace {

/// A spool in a folder of its own, which is the working directory.
class Bench {
public:
    explicit Bench(Files& files, std::uint32_t segment_size = 64 << 10, std::size_t keep = 3)
        : workers(2), scope(), spool(files, workers, scope, options(segment_size, keep)) {
        found = spool.open().value();
        spool.start();
    }
    ~Bench() {
        scope.cancel();
        bool joined = false;
        Scope outer;
        outer.spawn(join(joined));
        loop.run_until([&] { return joined && outer.running() == 0; });
    }
    static Spool::Options options(std::uint32_t segment_size, std::size_t keep) {
        Spool::Options options;
        options.journal.segment_size = segment_size;
        options.journal.keep_segments = keep;
        options.journal_message_limit = 8000;
        return options;
    }
    template <class T>
    T run(Task<T> task) {
        std::optional<T> result;
        scope.spawn(into(result, std::move(task)));
        loop.run_until([&] { return result.has_value(); });
        return *std::move(result);
    }

    Loop loop;
    WorkerPool workers;
    Scope scope;
    Spool spool;
    std::vector<Stored> found;

private:
    template <class T>
    static Task<void> into(std::optional<T>& result, Task<T> task) {
        result.emplace(co_await task);
    }
    Task<void> join(bool& joined) {
        co_await scope.join();
        joined = true;
    }
};

std::string fresh_folder() {
    std::string path = "/tmp/facteur-spool-XXXXXX";
    REQUIRE(::mkdtemp(path.data()));
    REQUIRE(::chdir(path.c_str()) == 0);
    return path;
}

void remove_folder(const std::string& path) {
    REQUIRE(::chdir("/") == 0);
    REQUIRE(std::system(("rm -rf " + path).c_str()) == 0);
}

Envelope envelope_to(std::string address) {
    Envelope envelope;
    envelope.sender = "a@example.org";
    envelope.arrival = 1795349000000000;
    Recipient recipient;
    recipient.address = std::move(address);
    envelope.recipients.push_back(recipient);
    return envelope;
}

QueueId id_of(std::uint64_t n) {
    return QueueId{1795349000000000 + n, 99};
}

std::string text_of(const Content& content) {
    return read_exactly(content.fd.get(), content.offset, static_cast<std::size_t>(content.size))
        .value();
}

std::string step_text(const Story& story, Fate fate) {
    Step step(story, 1795349100);
    Progress progress;
    progress.fate = fate;
    progress.status = "2.0.0";
    step.fate(0, progress);
    return step.text();
}

}  // namespace

TEST_CASE("an accepted message is found after a restart, with its story", "[spool]") {
    std::string folder = fresh_folder();
    Files files;
    {
        Bench bench(files);
        for (std::uint64_t n = 0; n < 3; ++n) {
            auto stored =
                bench.run(bench.spool.accept(id_of(n), envelope_to("b@example.net"), "Hello\r\n"));
            REQUIRE(stored);
            if (n == 1) {
                Story story = bench.run(bench.spool.load(*stored)).value();
                REQUIRE(bench.run(bench.spool.step(*stored, step_text(story, Fate::delivered))));
            }
            if (n == 2) REQUIRE(bench.run(bench.spool.forget(*stored)));
        }
        CHECK(bench.spool.was_forgotten(id_of(2)));
    }
    Bench again(files);
    REQUIRE(again.found.size() == 2);
    CHECK(again.spool.was_forgotten(id_of(2)));
    Story first = again.run(again.spool.load(again.found[0])).value();
    CHECK(first.progress[0].fate == Fate::waiting);
    Story second = again.run(again.spool.load(again.found[1])).value();
    CHECK(second.progress[0].fate == Fate::delivered);
    CHECK(text_of(again.run(again.spool.content(again.found[0])).value()) == "Hello\r\n");
    remove_folder(folder);
}

TEST_CASE("a message moves out into a file, is held, released and forgotten", "[spool]") {
    std::string folder = fresh_folder();
    Files files;
    Bench bench(files);
    Stored stored =
        bench.run(bench.spool.accept(id_of(1), envelope_to("b@example.net"), "Hello\r\n")).value();
    Story story = bench.run(bench.spool.load(stored)).value();
    REQUIRE(bench.run(bench.spool.step(stored, step_text(story, Fate::waiting))));
    REQUIRE(bench.run(bench.spool.move_out(stored, Stored::Where::deferred, 1795349999)));
    CHECK(state_of(stored.path()).modified == 1795349999);
    Story moved = bench.run(bench.spool.load(stored)).value();
    CHECK(moved.steps == 1);
    REQUIRE(bench.run(bench.spool.step(stored, step_text(moved, Fate::delivered))));
    REQUIRE(bench.run(bench.spool.settle(stored, 1795350000)));
    CHECK(stored.pins.empty());
    REQUIRE(bench.run(bench.spool.relocate(stored, Stored::Where::hold, 1795350001)));
    CHECK(state_of("hold/" + id_of(1).text()).modified == 1795350001);
    Story held = bench.run(bench.spool.load(stored)).value();
    CHECK(held.progress[0].fate == Fate::delivered);
    CHECK(text_of(bench.run(bench.spool.content(stored)).value()) == "Hello\r\n");
    REQUIRE(bench.run(bench.spool.relocate(stored, Stored::Where::deferred, 1795350002)));
    REQUIRE(bench.run(bench.spool.forget(stored)));
    bench.loop.run_until([&] { return state_of(stored.path()).size == -1; });
    remove_folder(folder);
}

TEST_CASE("a large message goes through a reserved file", "[spool]") {
    std::string folder = fresh_folder();
    Files files;
    Bench bench(files);
    Fd fd = bench.run(bench.spool.reserve(id_of(1))).value();
    std::string content(300000, 'x');
    REQUIRE(::write(fd.get(), content.data(), content.size()) == 300000);
    Envelope envelope = envelope_to("b@example.net");
    envelope.size = 300001;
    CHECK_FALSE(bench.run(bench.spool.accept_reserved(id_of(1), envelope)));
    envelope.size = content.size();
    Stored stored = bench.run(bench.spool.accept_reserved(id_of(1), envelope)).value();
    CHECK(bench.run(bench.spool.accept_reserved(id_of(1), envelope)));  // the same again
    CHECK(bench.run(bench.spool.load(stored)).value().envelope == envelope);
    CHECK(text_of(bench.run(bench.spool.content(stored)).value()) == content);
    // Whoever still holds the descriptor can spoil the message, but not unseen.
    REQUIRE(::pwrite(fd.get(), "y", 1, kContentOffset + 5) == 1);
    auto spoilt = bench.run(bench.spool.load(stored));
    REQUIRE_FALSE(spoilt);
    CHECK_FALSE(spoilt.error().is_temporary());
    remove_folder(folder);
}

TEST_CASE("what is accepted on hold has its file there from the first moment", "[spool]") {
    std::string folder = fresh_folder();
    Files files;
    {
        Bench bench(files);
        const auto hold = Stored::Where::hold;
        Stored small =
            bench.run(bench.spool.accept(id_of(1), envelope_to("b@example.net"), "x\r\n", hold))
                .value();
        CHECK(text_of(bench.run(bench.spool.content(small)).value()) == "x\r\n");
        Fd fd = bench.run(bench.spool.reserve(id_of(2))).value();
        REQUIRE(::write(fd.get(), "large", 5) == 5);
        Envelope envelope = envelope_to("b@example.net");
        envelope.size = 5;
        Stored large = bench.run(bench.spool.accept_reserved(id_of(2), envelope, hold)).value();
        CHECK(bench.run(bench.spool.accept_reserved(id_of(2), envelope, hold)));  // the same again
        CHECK(text_of(bench.run(bench.spool.content(large)).value()) == "large");
    }
    for (unsigned n = 1; n <= 2; ++n) {
        CHECK(state_of(hold_path(id_of(n).text())).size > 0);
        CHECK(state_of(deferred_path(id_of(n).text())).size == -1);
    }
    Bench again(files);
    CHECK(again.found.empty());
    remove_folder(folder);
}

TEST_CASE("segments are recycled, and emptied when too many are in use", "[spool]") {
    std::string folder = fresh_folder();
    Files files;
    Bench bench(files);
    const std::string content(1000, 'x');
    for (std::uint64_t n = 0; n < 600; ++n) {
        auto stored =
            bench.run(bench.spool.accept(id_of(n), envelope_to("b@example.net"), content));
        REQUIRE(stored);
        REQUIRE(bench.run(bench.spool.forget(*stored)));
    }
    CHECK(bench.spool.journal().segments() <= 4);
    std::map<Segment*, std::vector<Stored>> waiting;
    std::uint64_t n = 1000;
    while (!bench.spool.journal().to_be_emptied()) {
        auto stored =
            bench.run(bench.spool.accept(id_of(++n), envelope_to("b@example.net"), content));
        REQUIRE(stored);
        waiting[stored->place.segment].push_back(*stored);
    }
    Segment* oldest = bench.spool.journal().to_be_emptied();
    for (Stored& stored : waiting[oldest])
        REQUIRE(bench.run(bench.spool.move_out(stored, Stored::Where::deferred, 5)));
    bench.loop.run_until([&] { return oldest->use == 0 || oldest->live == 0; });
    remove_folder(folder);
}

TEST_CASE("a damaged record goes to corrupt and the others live", "[spool]") {
    std::string folder = fresh_folder();
    Files files;
    Journal::Place hit;
    {
        Bench bench(files);
        for (std::uint64_t n = 0; n < 3; ++n) {
            auto stored =
                bench.run(bench.spool.accept(id_of(n), envelope_to("b@example.net"), "Hello\r\n"));
            if (n == 1) hit = stored->place;
        }
        Fd fd = files.open("journal/000001.log", O_RDWR).value();
        REQUIRE(::pwrite(fd.get(), "#", 1, hit.offset + kRecordHeader + 3) == 1);
    }
    Bench again(files);
    REQUIRE(again.found.size() == 2);
    CHECK(again.found[1].id == id_of(2));
    CHECK(names_in("corrupt").size() == 1);
    remove_folder(folder);
}

TEST_CASE("without space messages are refused, and what is there drains", "[spool]") {
    class FullFiles : public Files {
    public:
        Result<void> write(int fd, std::string_view bytes, std::uint64_t offset) override {
            if (full && bytes.size() == 1 << 20) return temporary("no space", "4.3.1");
            if (full && bytes == std::string(64 << 10, '\0')) return temporary("full", "4.3.1");
            return Files::write(fd, bytes, offset);
        }
        bool full = false;
    };
    std::string folder = fresh_folder();
    FullFiles files;
    Bench bench(files);
    std::vector<Stored> waiting;
    std::uint64_t n = 0;
    bool refused = false;
    while (!refused) {
        files.full = n >= 5;
        auto stored = bench.run(
            bench.spool.accept(id_of(++n), envelope_to("b@example.net"), std::string(1000, 'x')));
        refused = !stored;
        if (refused) CHECK(stored.error().status == "4.3.1");
        if (stored) waiting.push_back(*stored);
        REQUIRE(n < 1000);
    }
    for (Stored& stored : waiting)
        REQUIRE(bench.run(bench.spool.forget(stored)));
    CHECK(bench.run(bench.spool.accept(id_of(9999), envelope_to("b@example.net"), "x")));
    remove_folder(folder);
}

TEST_CASE("a reserved file goes with the last descriptor of it", "[spool]") {
    std::string path = fresh_folder();
    {
        Files files;
        Bench bench(files);
        auto id = *QueueId::parse(make_queue_id());
        Fd ours = bench.run(bench.spool.reserve(id)).value();
        Fd lent = ours.duplicate();
        ours.reset();
        bench.spool.remove_abandoned();
        CHECK(state_of(incoming_path(id.text())).size >= 0);
        lent.reset();
        bench.spool.remove_abandoned();
        CHECK(state_of(incoming_path(id.text())).size < 0);
    }
    remove_folder(path);
}

TEST_CASE("who only reads sees the queue as qmgr left it", "[spool]") {
    std::string path = fresh_folder();
    {
        Files files;
        std::map<std::string, Seen::Place> expected;
        std::string stepped;
        {
            Bench bench(files);
            std::vector<Stored> stored;
            for (int i = 0; i < 5; ++i) {
                auto id = *QueueId::parse(make_queue_id());
                stored.push_back(
                    bench.run(bench.spool.accept(id, envelope_to("b@x.test"), "content")).value());
            }
            REQUIRE(bench.run(bench.spool.forget(stored[0])));
            using Where = Stored::Where;
            REQUIRE(bench.run(bench.spool.move_out(stored[1], Where::deferred, 1000)));
            REQUIRE(bench.run(bench.spool.move_out(stored[2], Where::hold, 1000)));
            REQUIRE(bench.run(bench.spool.move_out(stored[3], Where::deferred, 1000)));
            REQUIRE(bench.run(bench.spool.forget(stored[3])));
            for (std::size_t i : {std::size_t{1}, std::size_t{4}}) {
                Story story(envelope_to("b@x.test"));
                Step step(story, 1);
                step.next_attempt(77);
                REQUIRE(bench.run(bench.spool.step(stored[i], step.text())));
            }
            expected[stored[1].id.text()] = Seen::Place::deferred;
            expected[stored[2].id.text()] = Seen::Place::hold;
            expected[stored[4].id.text()] = Seen::Place::journal;
            stepped = stored[4].id.text();
        }
        std::map<std::string, Seen::Place> found;
        REQUIRE(read_queue([&](const Seen& seen) {
            found[seen.id.text()] = seen.place;
            CHECK(seen.story.envelope.recipients[0].address == "b@x.test");
            CHECK((seen.story.next_attempt == 77) == (seen.place != Seen::Place::hold));
        }));
        CHECK(found == expected);
    }
    remove_folder(path);
}

namespace {

/// A slow disk.
class SlowFiles : public Files {
public:
    Result<void> flush(int fd) override {
        if (slow) ::usleep(10000);
        return Files::flush(fd);
    }
    std::atomic<bool> slow = false;
};

/// A disk that is full for queue files, not for the journal.
class FullForFiles : public Files {
public:
    Result<void> write(int fd, std::string_view bytes, std::uint64_t offset) override {
        if (full && offset >= kContentOffset && bytes.starts_with("step")) {
            return temporary("no space", "4.3.1");
        }
        return Files::write(fd, bytes, offset);
    }
    std::atomic<bool> full = false;
};

Task<void> append_one(Journal& journal, std::string payload, Journal::Place& place) {
    place = (co_await journal.append(RecordType::step, id_of(1), payload)).value();
}

Task<bool> append_and_tell(Journal& journal, std::string payload, Journal::Place& place) {
    co_await append_one(journal, std::move(payload), place);
    co_return true;
}

}  // namespace

TEST_CASE("what settle cannot write is known to the next load", "[spool]") {
    std::string folder = fresh_folder();
    FullForFiles files;
    Bench bench(files);
    Stored stored =
        bench.run(bench.spool.accept(id_of(1), envelope_to("b@example.net"), "Hello\r\n")).value();
    REQUIRE(bench.run(bench.spool.move_out(stored, Stored::Where::deferred, 1795349999)));
    Story story = bench.run(bench.spool.load(stored)).value();
    REQUIRE(bench.run(bench.spool.step(stored, step_text(story, Fate::delivered))));
    files.full = true;
    CHECK_FALSE(bench.run(bench.spool.settle(stored, 1795350000)));
    bench.spool.put_down(std::move(stored));
    Stored again;
    again.id = id_of(1);
    again.where = Stored::Where::deferred;
    CHECK(bench.run(bench.spool.load(again)).value().progress[0].fate == Fate::delivered);
    files.full = false;
    REQUIRE(bench.run(bench.spool.settle(again, 1795350000)));
    CHECK(again.pins.empty());
    remove_folder(folder);
}

TEST_CASE("settle leaves a file alone that it cannot read", "[spool]") {
    std::string folder = fresh_folder();
    Files files;
    Bench bench(files);
    std::string content(9000, 'x');
    Stored stored =
        bench.run(bench.spool.accept(id_of(1), envelope_to("b@example.net"), content)).value();
    REQUIRE(stored.where == Stored::Where::deferred);
    Story story{envelope_to("b@example.net")};
    REQUIRE(bench.run(bench.spool.step(stored, step_text(story, Fate::waiting))));
    const auto size = state_of(stored.path()).size;
    Fd fd = files.open(stored.path(), O_WRONLY).value();
    REQUIRE(files.write(fd.get(), "y", kContentOffset + 7));
    CHECK_FALSE(bench.run(bench.spool.settle(stored, 1795350000)));
    CHECK(state_of(stored.path()).size == size);
    remove_folder(folder);
}

TEST_CASE("a segment is not recycled while its last records are being written", "[spool]") {
    std::string folder = fresh_folder();
    SlowFiles files;
    Bench bench(files, 32 << 10);
    Journal& journal = bench.spool.journal();
    Journal::Place place;
    bench.run(append_and_tell(journal, "first", place));
    Segment& segment = *place.segment;
    const std::uint64_t use = segment.use;
    journal.release(segment);
    while (segment.used + 4000 < segment.size) {
        bench.run(append_and_tell(journal, std::string(3000, 'x'), place));
        journal.release(segment);
    }
    files.slow = true;
    Journal::Place last;
    Journal::Place next;
    bench.scope.spawn(append_one(journal, "the last one", last));
    bench.scope.spawn(append_one(journal, std::string(6000, 'y'), next));
    bench.loop.run_until([&] { return last.segment && next.segment; });
    REQUIRE(last.segment == &segment);
    REQUIRE(next.segment != &segment);
    for (int i = 0; i < 5; ++i) {
        bench.run(append_and_tell(journal, "time passes", place));
        journal.release(*place.segment);
    }
    CHECK(segment.use == use);
    journal.release(segment);
    journal.release(*next.segment);
    bench.loop.run_until([&] { return segment.use != use; });
    remove_folder(folder);
}
