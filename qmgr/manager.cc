#include "qmgr/manager.h"

#include <algorithm>

#include "lib/base/log.h"
#include "lib/event/errors.h"
#include "lib/event/sleep.h"
#include "qmgr/outgoing.h"

namespace facteur::qmgr {
namespace {

/// Messages that are read at the same time: enough for all worker threads, and not so many that
/// what is to be written waits long behind them.
constexpr std::size_t kActivations = 16;
constexpr std::int64_t kDamagedLater = 300;
constexpr Seconds kCleaning{600};

spool::Spool::Options options_of(const Settings& settings) {
    spool::Spool::Options options;
    options.journal.segment_size = static_cast<std::uint32_t>(settings.journal_segment_size());
    options.journal.keep_segments = static_cast<std::size_t>(settings.journal_segments());
    options.journal_message_limit = settings.message.journal_message_limit();
    return options;
}

}  // namespace

Manager::Manager(const Settings& settings, WorkerPool& workers, Scope& scope, spool::Files& files,
                 Resolver resolver)
    : settings_(settings),
      resolver_(std::move(resolver)),
      spool_(files, workers, scope, options_of(settings)),
      running_(scope),
      dispatcher_(settings, scope, *this) {}

Manager::~Manager() = default;

Result<void> Manager::open() {
    TRY(auto found, spool_.open());
    suspensions_.read();
    quiet_until_ = Loop::current().now() + settings_.takeover_delay();
    const bool at_once = settings_.takeover_delay() == 0s;
    const std::int64_t now = now_seconds();
    // What is due at the same time is taken from the end.
    for (auto at = found.rbegin(); !at_once && at != found.rend(); ++at)
        waiting_.add(now, at->id);
    for (spool::Stored& stored : found) {
        spool::QueueId id = stored.id;
        stored.due = now;
        resting_.emplace(id, std::move(stored));
        if (at_once) fresh_.push_back(id);
    }
    return {};
}

void Manager::start() {
    spool_.start();
    running_.spawn(activate_loop());
    running_.spawn(scan_deferred());
    running_.spawn(empty_loop());
    running_.spawn(clean_loop());
    started_ = Loop::current().now();
}

Task<void> Manager::stop() {
    dispatcher_.stop();
    running_.cancel();
    co_await running_.join();
}

Manager::Place Manager::find(spool::QueueId id) const {
    if (active_.contains(id)) return Place::active;
    if (resting_.contains(id) || arriving_.contains(id)) return Place::journal;
    if (spool_.was_forgotten(id)) return Place::nowhere;
    std::string text = id.text();
    if (spool::state_of(spool::deferred_path(text)).size >= 0) return Place::deferred;
    if (spool::state_of(spool::hold_path(text)).size >= 0) return Place::hold;
    return Place::nowhere;
}

bool Manager::knows(const std::string& queue_id) const {
    auto id = spool::QueueId::parse(queue_id);
    return id && find(*id) != Place::nowhere;
}

std::vector<spool::QueueId> Manager::ids_in_memory() const {
    std::vector<spool::QueueId> ids;
    for (const auto& [id, message] : active_)
        ids.push_back(id);
    for (const auto& [id, stored] : resting_)
        ids.push_back(id);
    std::sort(ids.begin(), ids.end());
    return ids;
}

Message* Manager::active(spool::QueueId id) {
    auto found = active_.find(id);
    return found == active_.end() ? nullptr : found->second.get();
}

Message& Manager::make_active(spool::Stored stored, spool::Story story) {
    auto message = std::make_unique<Message>();
    message->stored = std::move(stored);
    message->story = std::move(story);
    message->sender = message->story.envelope.sender;
    message->active_since = now_micros();
    message->verify = message->story.envelope.report == spool::Report::verify;
    Message& made = *message;
    active_[made.stored.id] = std::move(message);
    running_.spawn(attempt(made));
    return made;
}

/// The descriptor that came with the message serves for its delivery, unless too many are open.
void Manager::keep_content(Message& message, Fd fd, std::uint64_t size) {
    const bool room = held_count_ < static_cast<std::size_t>(settings_.held_contents()) &&
                      held_bytes_ + size <= settings_.held_bytes();
    if (!fd || !room) return;
    message.content.fd = std::move(fd);
    message.content.size = size;
    message.content_held = true;
    ++held_count_;
    held_bytes_ += size;
}

Task<Result<Fd>> Manager::lend(Message& message) {
    if (!message.content.fd) {
        CO_TRY(message.content, co_await spool_.content(message.stored));
    }
    Fd fd = message.content.fd.duplicate();
    if (!fd) co_return system_error("lend the content");
    co_return fd;
}

void Manager::put_to_rest(spool::Stored stored, std::int64_t due) {
    const spool::QueueId id = stored.id;
    stored.due = due;
    if (stored.where != spool::Stored::Where::hold) waiting_.add(due, id);
    if (stored.where == spool::Stored::Where::journal) {
        resting_[id] = std::move(stored);
    } else {
        spool_.put_down(std::move(stored));
    }
    changed_.notify_all();
}

std::optional<Waiting::Due> Manager::next_to_activate() {
    if (active_.size() + activating_ >= static_cast<std::size_t>(settings_.active_limit())) {
        return std::nullopt;
    }
    // New mail and old mail in turn: neither a backlog nor a flood keeps the other waiting.
    turn_of_waiting_ = !turn_of_waiting_;
    if (Loop::current().now() >= quiet_until_ && (turn_of_waiting_ || fresh_.empty())) {
        if (auto due = waiting_.take(now_seconds())) return due;
    }
    if (fresh_.empty()) return std::nullopt;
    Waiting::Due next{fresh_.front(), false};
    fresh_.pop_front();
    return next;
}

Task<void> Manager::activate_loop() {
    for (;;) {
        while (activating_ < kActivations) {
            auto next = next_to_activate();
            if (!next) break;
            ++activating_;
            running_.spawn(activate(*next));
        }
        TimePoint deadline = kNever;
        const bool quiet = Loop::current().now() < quiet_until_;
        if (quiet) {
            deadline = quiet_until_;
        } else if (auto due = waiting_.next_due()) {
            auto in = std::clamp<std::int64_t>(*due - now_seconds(), 0, 3600);
            // With something due already the way is full: wait for room.
            if (in > 0) deadline = Loop::current().now() + Seconds(in);
        }
        try {
            co_await changed_.wait(running_, deadline);
        } catch (const TimedOut&) {
        }
    }
}

/// Takes a message that rests out of where it rests, for one owner at a time.
Task<Result<spool::Stored>> Manager::take_resting(spool::QueueId id) {
    while (arriving_.contains(id))
        co_await arrived_.wait(running_);
    if (active_.contains(id)) co_return temporary("message is active");
    if (auto node = resting_.extract(id)) co_return std::move(node.mapped());
    if (spool_.was_forgotten(id)) co_return permanent("no such message");
    spool::Stored stored;
    stored.id = id;
    stored.where = spool::Stored::Where::deferred;
    if (spool::state_of(stored.path()).size < 0) {
        stored.where = spool::Stored::Where::hold;
        if (spool::state_of(stored.path()).size < 0) co_return permanent("no such message");
    }
    co_return stored;
}

/// RFC 4865: not before it is to be released, but an administrator may return it to its sender.
bool Manager::is_due(const spool::Story& story) {
    return story.force_expire || story.envelope.release_at <= now_seconds();
}

Task<void> Manager::activate(Waiting::Due next) {
    co_await wake(next);
    --activating_;
    changed_.notify_all();
}

/// Reads a message that rests; it is tried if it is due.
Task<void> Manager::wake(Waiting::Due next) {
    const spool::QueueId id = next.id;
    Result<spool::Stored> taken = co_await take_resting(id);
    if (!taken || taken->where == spool::Stored::Where::hold) co_return;
    spool::Stored stored = *std::move(taken);
    arriving_.insert(id);
    Result<spool::Story> story = co_await spool_.load(stored);
    arriving_.erase(id);
    arrived_.notify_all();
    if (!story && !story.error().is_temporary()) {
        co_await spool_.condemn(stored, story.error().text);
        co_return;
    }
    const bool is_file = stored.where != spool::Stored::Where::journal;
    std::int64_t due = story ? story->next_attempt : now_seconds() + kDamagedLater;
    // A file's time counts: an administrator may have touched it.
    if (is_file && story) due = spool::state_of(stored.path()).modified;
    const bool early = story && !is_due(*story);
    if (early) due = story->envelope.release_at;
    if (!story || early || (due > now_seconds() && !next.forced)) {
        put_to_rest(std::move(stored), due);
        co_return;
    }
    make_active(std::move(stored), *std::move(story));
}

/// deferred/ is read in the background; new mail does not wait for it.
Task<void> Manager::scan_deferred() {
    using Found = std::vector<std::pair<std::int64_t, spool::QueueId>>;
    const std::int64_t begun = now_seconds();
    for (const std::string& folder : spool::names_in("deferred")) {
        std::function<Found()> work = [path = "deferred/" + folder, begun] {
            Found found;
            for (const std::string& name : spool::names_in(path)) {
                auto id = spool::QueueId::parse(name);
                const spool::FileState state = spool::state_of(path + "/" + name);
                if (id) found.emplace_back(state.modified, *id);
                // What a crash left unfinished; a younger one is being written at this moment.
                const bool left = !id && name.starts_with('.') && state.changed < begun;
                if (left) (void)spool::Files().remove(path + "/" + name);
            }
            return found;
        };
        Found found = co_await spool_.workers().run<Found>(std::move(work));
        for (const auto& [due, id] : found) {
            if (!active_.contains(id) && !resting_.contains(id)) waiting_.add(due, id);
        }
        changed_.notify_all();
    }
    scanned_ = true;
}

/// Large messages whose smtpd died while it received them: told when its connection ends, and
/// looked for now and then, for it may have ended while no qmgr was there to see it.
Task<void> Manager::clean_loop() {
    for (;;) {
        try {
            if (!look_for_abandoned_)
                co_await abandoned_.wait(running_, Loop::current().now() + kCleaning);
        } catch (const TimedOut&) {
        }
        look_for_abandoned_ = false;
        std::function<void()> work = [this] { spool_.remove_abandoned(); };
        co_await spool_.workers().run_void(std::move(work));
    }
}

/// Gives the messages of the oldest segment a file each, when the journal has grown too long.
Task<void> Manager::empty_loop() {
    for (;;) {
        const spool::Segment* oldest = spool_.journal().to_be_emptied();
        if (oldest) co_await evacuate(oldest);
        if (oldest && spool_.journal().to_be_emptied() == oldest) {
            co_await Sleep(running_, Seconds(1));  // what is active leaves by itself
        } else if (!oldest) {
            co_await spool_.journal().pressure().wait(running_);
        }
    }
}

Task<void> Manager::evacuate(const spool::Segment* segment) {
    std::vector<spool::QueueId> ids = spool_.unread_in(segment);
    for (const auto& [id, stored] : resting_) {
        if (stored.place.segment == segment) ids.push_back(id);
    }
    for (const auto& [id, message] : active_) {
        if (message->stored.where != spool::Stored::Where::journal) continue;
        if (message->stored.place.segment != segment) continue;
        message->evacuate = true;
        message->progressed.notify_all();
    }
    for (const spool::QueueId& id : ids) {
        if (active_.contains(id)) continue;
        Result<spool::Stored> taken = co_await take_resting(id);
        if (!taken && !taken.error().is_temporary()) spool_.give_up(id);
        if (!taken) continue;
        spool::Stored stored = *std::move(taken);
        arriving_.insert(id);
        Result<spool::Story> story = co_await spool_.load(stored);
        Result<void> moved;
        const bool was_journaled = stored.where == spool::Stored::Where::journal;
        if (story && was_journaled) {
            moved = co_await spool_.move_out(stored, spool::Stored::Where::deferred,
                                             story->next_attempt);
        } else if (story) {
            moved = co_await spool_.settle(stored, story->next_attempt);
        }
        arriving_.erase(id);
        arrived_.notify_all();
        if (!moved) log_warning(id.text() + ": " + moved.error().text);
        if (stored.where == spool::Stored::Where::journal) {
            resting_[id] = std::move(stored);
        } else {
            spool_.put_down(std::move(stored));
        }
        if (!moved) co_await Sleep(running_, Seconds(1));
    }
}

}  // namespace facteur::qmgr
