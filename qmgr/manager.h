#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "lib/ipc/client.h"
#include "lib/ipc/ways/address.h"
#include "lib/ipc/ways/queue.h"
#include "qmgr/cleaning.h"
#include "qmgr/dispatcher.h"
#include "qmgr/message.h"
#include "qmgr/notice.h"
#include "qmgr/pressure.h"
#include "qmgr/settings.h"
#include "qmgr/suspensions.h"
#include "qmgr/waiting.h"

namespace facteur::qmgr {

/// The owner of the queue: which messages there are, which are active, and what happens to each.
///
/// A message is active (a Message, with one task that leads it through its attempt), or it waits
/// in the journal (a Stored), or it waits in a file (its id among those that are due).
class Manager : private Dispatcher::Owner {
public:
    /// Asks addressd; a test answers itself.
    using Resolver = std::function<Task<Result<ipc::Resolution>>(ipc::Resolve)>;

    Manager(const Settings& settings, WorkerPool& workers, Scope& scope, spool::Files& files,
            Resolver resolver);
    ~Manager() override;

    /// Replays the journal; blocks, comes first.
    Result<void> open();
    void start();
    /// Ends all attempts where they are; what is on the disk is what counts.
    Task<void> stop();

    /// Makes the message durable and begins to deliver it.  content_fd: the sealed content, or
    /// none when it is in the file that reserve() gave.  Repeated with the same id: success.
    Task<Result<void>> accept(spool::QueueId id, spool::Envelope envelope, Fd content_fd,
                              bool hold = false);
    /// The same for content that is in memory.
    Task<Result<void>> accept_text(spool::QueueId id, spool::Envelope envelope, std::string content,
                                   bool hold = false);
    Task<Result<Fd>> reserve(spool::QueueId id);
    /// Is there room for new mail, on the disk and in the queue?
    ipc::RoomReply room();
    /// Somebody who may have reserved is gone.
    void look_for_abandoned() {
        look_for_abandoned_ = true;
        abandoned_.notify_all();
    }

    /// Where an id is, if it is in the queue at all.
    enum class Place { nowhere, active, journal, deferred, hold };
    Place find(spool::QueueId id) const;
    /// All ids but those in deferred/ and hold/, which the caller lists itself.
    std::vector<spool::QueueId> ids_in_memory() const;
    Message* active(spool::QueueId id);
    /// Ids of the files in deferred/ and hold/.
    Task<std::vector<spool::QueueId>> ids_in(spool::Stored::Where folder);
    /// Where a message is and its story, for somebody who looks at it.
    struct View {
        Place place = Place::nowhere;
        spool::Stored stored;
        spool::Story story;
    };
    Task<Result<View>> look(spool::QueueId id);

    // What administrators ask for; a message that is active is treated when its attempt ends.
    Task<Result<void>> hold(spool::QueueId id);
    Task<Result<void>> release(spool::QueueId id);
    Task<Result<void>> remove(spool::QueueId id);
    /// Tried now, with its recipients resolved anew.
    Result<void> flush(spool::QueueId id);
    void flush_all();
    /// Returned to its sender now.
    Task<Result<void>> expire(spool::QueueId id);
    /// By another transport:nexthop from now on, and at once; empty: by its own routes again.
    Task<Result<void>> redirect(spool::QueueId id, std::string to);
    /// Lets nothing go to these domains, or lets it go again; what is suspended then.
    Task<Result<std::vector<std::string>>> suspend(std::vector<std::string> domains, bool resume);

    /// How far would mail come?  Questions that are the same at the same time are one.
    Task<Result<ipc::ProbeReply>> probe(ipc::Probe question);

    spool::Spool& spool() { return spool_; }
    std::size_t active_count() const { return active_.size(); }
    std::size_t waiting_count() const { return waiting_.size() + fresh_.size(); }
    const Settings& settings() const { return settings_; }
    /// Nothing is active and nothing is due.
    bool idle() const { return active_.empty() && fresh_.empty(); }
    /// The deferred/ folder has been read.
    bool scanned() const { return scanned_; }

private:
    // Dispatcher::Owner
    Task<Result<Fd>> lend(Message& message) override;
    bool knows(const std::string& queue_id) const override;

    // manager.cc: who is active
    Task<Result<void>> store(spool::QueueId id, spool::Envelope envelope, std::string_view content,
                             Fd content_fd, bool hold);
    Task<Result<void>> take_over(spool::Stored stored, spool::Story story, Fd content_fd,
                                 bool looping);
    Task<std::string> read_header(const spool::Stored& stored);
    std::uint64_t free_space();
    Result<void> check_room(const spool::Envelope& envelope);
    Message& make_active(spool::Stored stored, spool::Story story);
    void keep_content(Message& message, Fd fd, std::uint64_t size);
    Task<void> activate_loop();
    std::optional<Waiting::Due> next_to_activate();
    Task<void> activate(Waiting::Due next);
    Task<void> wake(Waiting::Due next);
    void put_to_rest(spool::Stored stored, std::int64_t due);
    Task<Result<spool::Stored>> take_resting(spool::QueueId id);
    Task<void> scan_deferred();
    Task<void> clean_loop();
    Task<void> empty_loop();
    Task<void> evacuate(const spool::Segment* segment);

    // attempt.cc: what happens to one
    Task<void> attempt(Message& message);
    Task<void> resolve(Message& message);
    Task<void> route(Message& message, bool expanded);
    Task<void> take_resolved(Message& message, std::size_t index, ipc::Resolved& resolved);
    void assign(Message& message, std::size_t index, const ipc::Destination& routed);
    void hand_out(Message& message);
    void set_all_waiting(Message& message, const spool::Progress& progress);
    Task<void> record(Message& message);
    Task<void> insist(Message& message, std::string step);
    Task<void> conclude(Message& message);
    Task<void> rest(Message& message);
    Task<void> forget(Message& message);
    void end_attempt(Message& message);
    void fail_what_is_old(Message& message);
    std::int64_t due_of(spool::QueueId id) const;
    Result<spool::Stored> claim(spool::QueueId id);
    using Change = std::function<void(spool::Step&)>;
    Task<Result<void>> intervene(spool::QueueId id, Change change);
    Task<void> grant(spool::QueueId id, Wish wish);
    void give_back(spool::Stored stored, std::int64_t due);
    std::int64_t next_attempt(const Message& message) const;
    Seconds lifetime(const Message& message) const;
    static std::int64_t born(const Message& message);
    static bool is_due(const spool::Story& story);
    void fail_what_is_late(Message& message);

    // probe.cc: how far mail would come
    struct Probing;
    Task<void> run_probe(std::shared_ptr<Probing> probing);
    Task<void> route_probe(Message& message, const std::string& sender);

    // teller.cc: what senders are told
    std::vector<Notice> notices_for(const Message& message, spool::Step& step) const;
    bool hears(const Message& message, NoticeKind kind, std::size_t recipient) const;
    bool is_late(const Message& message) const;
    static bool owes_report(const Message& message);
    void plan_report(const Message& message, spool::Step& step, std::vector<Notice>& notices) const;
    static bool is_past_its_time(const Message& message);
    Task<void> tell(Message& message, std::vector<Notice> notices, spool::Step& step);
    Result<NoticeParts> parts_of(const Message& message, const Notice& notice,
                                 const spool::Content& content, std::string& original) const;
    Task<bool> send_notice(Message& message, Notice notice);
    bool is_filtered(const NoticeParts& parts) const;
    Task<bool> post(const Message& message, const NoticeParts& parts, spool::QueueId id,
                    std::string sender);
    bool tells_postmaster(std::string_view notify_class) const;

    const Settings& settings_;
    Resolver resolver_;
    spool::Spool spool_;
    std::unordered_map<spool::QueueId, std::unique_ptr<Message>> active_;
    std::unordered_map<spool::QueueId, spool::Stored> resting_;  ///< in the journal
    std::unordered_set<spool::QueueId> arriving_;  ///< being made durable, or being changed
    std::map<std::string, std::shared_ptr<Probing>> probes_;  ///< shared by all who ask the same
    /// Before this the agents that end tell what they are at: what was here waits.
    TimePoint quiet_until_{};
    std::deque<spool::QueueId> fresh_;  ///< accepted, not tried yet
    Waiting waiting_;
    Suspensions suspensions_;
    bool turn_of_waiting_ = false;
    bool scanned_ = false;
    bool look_for_abandoned_ = false;
    TimePoint started_{};
    std::size_t activating_ = 0;
    std::size_t held_count_ = 0;
    std::uint64_t held_bytes_ = 0;
    std::uint64_t free_bytes_ = 0;
    TimePoint free_checked_{};
    Pressure pressure_;
    Signal changed_;
    Signal arrived_;
    Signal abandoned_;
    Scope running_;
    Cleaning cleaning_{running_};
    Dispatcher dispatcher_;
};

}  // namespace facteur::qmgr
