#include "lib/spool/power_cut.h"

#include <cstdlib>
#include <map>
#include <set>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/spool/spool.h"

using namespace facteur;
using namespace facteur::spool;

namespace {

/// What the world was promised, and when (in calls of PowerCutFiles).
struct Promise {
    std::size_t asked = 0;     ///< the submission began
    std::size_t accepted = 0;  ///< it was answered; 0: never
    std::size_t forgetting = 0;
    std::size_t forgotten = 0;
    std::size_t delivered = 0;  ///< a step that must not be lost
};

Spool::Options small_options() {
    Spool::Options options;
    options.journal.segment_size = 16 << 10;
    options.journal.keep_segments = 3;
    options.journal_message_limit = 3000;
    return options;
}

Envelope envelope_of(std::uint64_t n) {
    Envelope envelope;
    envelope.sender = "a@example.org";
    envelope.arrival = 1795349000000000;
    Recipient recipient;
    recipient.address = std::to_string(n) + "@example.net";
    envelope.recipients.push_back(recipient);
    return envelope;
}

std::string content_of(std::uint64_t n) {
    return std::string(100 + n * 137 % 3500, static_cast<char>('a' + n % 26));
}

QueueId id_of(std::uint64_t n) {
    return QueueId{1795349000000000 + n, 99};
}

std::string delivered_step(const Story& story) {
    Step step(story, 1795349100);
    Progress progress;
    progress.fate = Fate::delivered;
    progress.status = "2.0.0";
    step.fate(0, progress);
    return step.text();
}

/// Messages that are accepted, tried, moved out, settled and forgotten, all at the same time.
class Traffic {
public:
    Traffic(PowerCutFiles& files, Spool& spool, Scope& scope)
        : files_(files), spool_(spool), scope_(scope) {}

    void start(std::uint64_t count) {
        for (std::uint64_t n = 0; n < count; ++n)
            scope_.spawn(life(n));
        scope_.spawn(empty());
    }
    bool done(std::uint64_t count) const { return ended_ == count; }
    std::map<std::uint64_t, Promise> promises;

private:
    Task<void> life(std::uint64_t n) {
        Promise& promise = promises[n];
        promise.asked = files_.now();
        Envelope envelope = envelope_of(n);
        std::string content = content_of(n);
        Result<Stored> accepted = co_await spool_.accept(id_of(n), envelope, content);
        if (accepted) {
            promise.accepted = files_.now();
            Stored stored = *std::move(accepted);
            co_await go_on(n, stored);
        }
        ++ended_;
    }
    Task<void> go_on(std::uint64_t n, Stored& stored) {
        Promise& promise = promises[n];
        if (n % 4 == 0) co_return;  // it waits; maybe its segment wants to be emptied
        Result<Story> story = co_await spool_.load(stored);
        if (n % 4 == 1 && stored.where == Stored::Where::journal) {
            co_await spool_.move_out(stored, Stored::Where::deferred, 1795349500);
        }
        std::string text = delivered_step(*story);
        Result<void> stepped = co_await spool_.step(stored, std::move(text));
        if (stepped) promise.delivered = files_.now();
        if (n % 4 == 1) {
            if (stored.where != Stored::Where::journal) co_await spool_.settle(stored, 1795349600);
            co_return;
        }
        promise.forgetting = files_.now();
        Result<void> forgotten = co_await spool_.forget(stored);
        if (forgotten) promise.forgotten = files_.now();
    }
    Task<void> empty() {
        for (;;) {
            co_await spool_.journal().pressure().wait(scope_);
        }
    }

    PowerCutFiles& files_;
    Spool& spool_;
    Scope& scope_;
    std::uint64_t ended_ = 0;
};

Task<void> close(Scope& scope, bool& closed) {
    scope.cancel();
    co_await scope.join();
    closed = true;
}

void end(Loop& loop, Scope& scope) {
    bool closed = false;
    Scope outer;
    outer.spawn(close(scope, closed));
    loop.run_until([&] { return closed && outer.running() == 0; });
}

Task<void> read_story(Spool& spool, Stored& stored, std::optional<Result<Story>>& story) {
    story.emplace(co_await spool.load(stored));
}

Task<void> read_content(Spool& spool, Stored& stored, std::optional<Result<Content>>& content) {
    content.emplace(co_await spool.content(stored));
}

/// Everything that a spool finds when it starts on what the cut left.
std::vector<Stored> all_of(std::vector<Stored> found) {
    for (const std::string& folder : names_in("deferred")) {
        for (const std::string& name : names_in("deferred/" + folder)) {
            auto id = QueueId::parse(name);
            if (!id) continue;
            Stored stored;
            stored.id = *id;
            stored.where = Stored::Where::deferred;
            found.push_back(stored);
        }
    }
    return found;
}

void check_after(const std::map<std::uint64_t, Promise>& promises, std::size_t moment) {
    Files files;
    Loop loop;
    WorkerPool workers(1);
    Scope scope;
    Spool spool(files, workers, scope, small_options());
    auto found = spool.open();
    REQUIRE(found);
    spool.start();
    std::map<QueueId, int> seen;
    for (Stored& stored : all_of(*std::move(found))) {
        ++seen[stored.id];
        std::uint64_t n = stored.id.time - id_of(0).time;
        std::optional<Result<Story>> story;
        std::optional<Result<Content>> content;
        scope.spawn(read_story(spool, stored, story));
        scope.spawn(read_content(spool, stored, content));
        loop.run_until([&] { return story && content; });
        INFO("message " << n << (*story ? "" : story->error().text));
        REQUIRE(*story);
        REQUIRE(*content);
        CHECK((*story)->envelope.recipients == envelope_of(n).recipients);
        CHECK(read_exactly((*content)->fd.get(), (*content)->offset,
                           static_cast<std::size_t>((*content)->size))
                  .value() == content_of(n));
        const Promise& promise = promises.at(n);
        if (promise.delivered && promise.delivered <= moment) {
            CHECK((*story)->progress[0].fate == Fate::delivered);
        }
    }
    CHECK(names_in("corrupt").empty());
    for (const auto& [n, promise] : promises) {
        int copies = seen[id_of(n)];
        INFO("message " << n << " at " << moment);
        CHECK(copies <= 1);
        bool accepted = promise.accepted && promise.accepted <= moment;
        bool may_be_gone = promise.forgetting && promise.forgetting <= moment;
        if (accepted && !may_be_gone) CHECK(copies == 1);
        if (promise.forgotten && promise.forgotten <= moment) CHECK(copies == 0);
        if (promise.asked > moment) CHECK(copies == 0);
    }
    end(loop, scope);
}

}  // namespace

TEST_CASE("a power cut at any moment loses nothing that was promised", "[spool]") {
    constexpr std::uint64_t kMessages = 120;
    std::string root = "/tmp/facteur-cut-XXXXXX";
    REQUIRE(::mkdtemp(root.data()));
    REQUIRE(::chdir(root.c_str()) == 0);
    PowerCutFiles files;
    std::map<std::uint64_t, Promise> promises;
    {
        Loop loop;
        WorkerPool workers(3);
        Scope scope;
        Spool spool(files, workers, scope, small_options());
        REQUIRE(spool.open());
        spool.start();
        Traffic traffic(files, spool, scope);
        traffic.start(kMessages);
        loop.run_until([&] { return traffic.done(kMessages); });
        end(loop, scope);
        promises = traffic.promises;
    }
    std::mt19937 random(20261122);
    const std::size_t last = files.now();
    for (int cut = 0; cut < 60; ++cut) {
        std::size_t moment = cut == 0 ? last : random() % (last + 1);
        std::string copy = root + "/cut" + std::to_string(cut);
        REQUIRE(::mkdir(copy.c_str(), 0700) == 0);
        files.materialise(copy, moment, random);
        REQUIRE(::chdir(copy.c_str()) == 0);
        check_after(promises, moment);
    }
    REQUIRE(::chdir("/") == 0);
    REQUIRE(std::system(("rm -rf " + root).c_str()) == 0);
}
