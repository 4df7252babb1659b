// What administrators do with messages.

#include <algorithm>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "qmgr/manager.h"
#include "qmgr/outgoing.h"

namespace facteur::qmgr {

using Where = spool::Stored::Where;

Task<std::vector<spool::QueueId>> Manager::ids_in(Where folder) {
    using Ids = std::vector<spool::QueueId>;
    std::function<Ids()> work = [folder] {
        Ids ids;
        std::vector<std::string> folders{"hold"};
        if (folder == Where::deferred) {
            folders = spool::names_in("deferred");
            for (std::string& name : folders)
                name.insert(0, "deferred/");
        }
        for (const std::string& path : folders) {
            for (const std::string& name : spool::names_in(path)) {
                if (auto id = spool::QueueId::parse(name)) ids.push_back(*id);
            }
        }
        std::sort(ids.begin(), ids.end());
        return ids;
    };
    Ids ids = co_await spool_.workers().run<Ids>(std::move(work));
    std::erase_if(ids, [this](spool::QueueId id) {
        return active_.contains(id) || spool_.was_forgotten(id);
    });
    co_return ids;
}

Task<Result<Manager::View>> Manager::look(spool::QueueId id) {
    View view;
    view.place = find(id);
    view.stored.id = id;
    if (view.place == Place::active) {
        view.stored = active_[id]->stored;
        view.story = active_[id]->story;
        co_return view;
    }
    if (view.place == Place::nowhere) co_return permanent("no such message", "5.1.0");
    if (view.place == Place::journal && !resting_.contains(id)) {
        co_return temporary("message is being moved");
    }
    if (view.place == Place::journal) view.stored = resting_[id];
    if (view.place == Place::deferred) view.stored.where = Where::deferred;
    if (view.place == Place::hold) view.stored.where = Where::hold;
    CO_TRY(view.story, co_await spool_.look(view.stored));
    co_return view;
}

/// When a message that rests is due, as the waiting ones know it.
std::int64_t Manager::due_of(spool::QueueId id) const {
    auto found = resting_.find(id);
    if (found != resting_.end()) return found->second.due;
    return spool::state_of(spool::deferred_path(id.text())).modified;
}

/// Takes a message that rests for a change; give_back() ends that.
Result<spool::Stored> Manager::claim(spool::QueueId id) {
    if (arriving_.contains(id)) return temporary("message is being moved");
    Place place = find(id);
    if (place == Place::nowhere) return permanent("no such message", "5.1.0");
    waiting_.remove(due_of(id), id);
    spool::Stored stored;
    stored.id = id;
    if (auto node = resting_.extract(id)) stored = std::move(node.mapped());
    if (place == Place::deferred) stored.where = Where::deferred;
    if (place == Place::hold) stored.where = Where::hold;
    arriving_.insert(id);
    return stored;
}

void Manager::give_back(spool::Stored stored, std::int64_t due) {
    arriving_.erase(stored.id);
    arrived_.notify_all();
    put_to_rest(std::move(stored), due);
}

Task<Result<void>> Manager::hold(spool::QueueId id) {
    if (Message* message = active(id)) {
        message->wish = Wish::hold;
        co_return Result<void>();
    }
    CO_TRY(spool::Stored stored, claim(id));
    Result<void> moved;
    if (stored.where == Where::journal) {
        moved = co_await spool_.move_out(stored, Where::hold, now_seconds());
    } else if (stored.where == Where::deferred) {
        moved = co_await spool_.relocate(stored, Where::hold, now_seconds());
    }
    if (moved) log_info(id.text() + ": placed on hold");
    give_back(std::move(stored), now_seconds());
    co_return moved;
}

Task<Result<void>> Manager::release(spool::QueueId id) {
    if (find(id) != Place::hold) co_return permanent("message is not on hold", "5.1.0");
    CO_TRY(spool::Stored stored, claim(id));
    Result<void> moved = co_await spool_.relocate(stored, Where::deferred, now_seconds());
    if (moved) log_info(id.text() + ": released from hold");
    give_back(std::move(stored), now_seconds());
    co_return moved;
}

Task<Result<void>> Manager::remove(spool::QueueId id) {
    if (Message* message = active(id)) {
        message->wish = Wish::remove;
        co_return Result<void>();
    }
    CO_TRY(spool::Stored stored, claim(id));
    // Its steps are still to be known: they keep segments that forget() lets go.
    (void)co_await spool_.load(stored);
    Result<void> forgotten = co_await spool_.forget(stored);
    if (!forgotten) {
        give_back(std::move(stored), now_seconds());
        co_return forgotten;
    }
    arriving_.erase(id);
    arrived_.notify_all();
    log_info(id.text() + ": removed");
    co_return Result<void>();
}

Result<void> Manager::flush(spool::QueueId id) {
    if (Message* message = active(id)) {
        message->wish = Wish::requeue;
        return {};
    }
    Place place = find(id);
    if (place == Place::nowhere) return permanent("no such message", "5.1.0");
    if (place == Place::hold) return permanent("message is on hold", "5.1.0");
    dispatcher_.revive();
    waiting_.remove(due_of(id), id);
    waiting_.force(id);
    changed_.notify_all();
    return {};
}

void Manager::flush_all() {
    dispatcher_.revive();
    waiting_.force_all();
    changed_.notify_all();
}

/// A step that an administrator makes: written, then the message is tried.
Task<Result<void>> Manager::intervene(spool::QueueId id, Change change) {
    CO_TRY(spool::Stored stored, claim(id));
    Result<spool::Story> story = co_await spool_.load(stored);
    Result<void> done;
    if (story) {
        spool::Step step(*story, now_seconds());
        change(step);
        std::string text = step.text();
        done = co_await spool_.step(stored, std::move(text));
    } else {
        done = std::unexpected(story.error());
    }
    const bool is_file = stored.where != Where::journal;
    if (done && is_file) done = co_await spool_.settle(stored, now_seconds());
    give_back(std::move(stored), now_seconds());
    if (done) done = flush(id);
    co_return done;
}

Task<Result<void>> Manager::expire(spool::QueueId id) {
    if (Message* message = active(id)) {
        message->wish = Wish::expire;
        co_return Result<void>();
    }
    if (find(id) == Place::hold) co_return permanent("message is on hold", "5.1.0");
    Change change = [](spool::Step& step) { step.expire(); };
    co_return co_await intervene(id, std::move(change));
}

Task<Result<void>> Manager::redirect(spool::QueueId id, std::string to) {
    if (active(id)) co_return temporary("message is being delivered; hold it first");
    if (find(id) == Place::hold) co_return permanent("message is on hold", "5.1.0");
    Change change = [to](spool::Step& step) { step.filter(to); };
    Result<void> done = co_await intervene(id, std::move(change));
    if (done) log_info(id.text() + ": redirected to <" + to + ">");
    co_return done;
}

Task<Result<std::vector<std::string>>> Manager::suspend(std::vector<std::string> domains,
                                                        bool resume) {
    if (!domains.empty()) {
        CO_TRY_VOID(suspensions_.change(domains, resume));
        std::function<Result<void>()> work = [this, text = suspensions_.text()] {
            return write_suspensions(spool_.files(), text);
        };
        CO_TRY_VOID(co_await spool_.workers().run<Result<void>>(std::move(work)));
        log_info((resume ? "resumed: " : "suspended: ") + join(domains, ", "));
    }
    const auto& all = suspensions_.domains();
    co_return std::vector<std::string>(all.begin(), all.end());
}

Task<void> Manager::grant(spool::QueueId id, Wish wish) {
    Result<void> done;
    switch (wish) {
        case Wish::none:
            break;
        case Wish::hold:
            done = co_await hold(id);
            break;
        case Wish::remove:
            done = co_await remove(id);
            break;
        case Wish::requeue:
            done = flush(id);
            break;
        case Wish::expire:
            done = co_await expire(id);
            break;
    }
    if (!done) log_warning(id.text() + ": " + done.error().text);
}

}  // namespace facteur::qmgr
