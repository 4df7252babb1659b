#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/spool/envelope.h"

namespace facteur::spool {

/// What became of one recipient.
enum class Fate : std::uint8_t {
    waiting,    ///< to be tried, or to be tried again
    delivered,  ///< done, in a mailbox
    relayed,    ///< done; the next hop reports what comes after (RFC 3461 section 5.2.7)
    failed,     ///< permanently; the sender may have to be told
    expanded,   ///< replaced by recipients that were added behind it, or by other messages
    handed_on,  ///< done; the next hop will not report success (RFC 3461 section 5.2.2): we do
};

struct Progress {
    Fate fate = Fate::waiting;
    bool told = false;        ///< the sender was told of this fate, or need not be
    std::string notice;       ///< queue id of the message that tells it, once there is to be one
    std::string status;       ///< RFC 3463: "4.4.1"; empty before the first try
    std::string text;         ///< for the log and the queue listing
    std::string remote;       ///< the host that said it; empty: we ourselves
    std::string diagnostic;   ///< its own words: "550 5.1.1 no such user"
    bool tell_relay = false;  ///< done, and the sender wants to hear where it went (RFC 2852)
    bool operator==(const Progress&) const = default;
};

/// An envelope and all that happened to it: the steps are in the journal, or in the message's own
/// file, or in both.
struct Story {
    Envelope envelope;
    std::vector<Progress> progress;  ///< one for each recipient
    std::size_t own_recipients = 0;  ///< those behind came out of aliases
    std::int64_t next_attempt = 0;   ///< seconds since the epoch
    std::uint32_t attempts = 0;
    std::uint32_t steps = 0;  ///< number of the last step that was applied
    bool warned = false;      ///< the sender knows that it is late
    bool reported = false;    ///< the sender has the report that it asked for
    std::string report;       ///< queue id of the message that brings it, once there is to be one
    std::string warning;      ///< queue id of the message that says so, once there is to be one
    bool force_expire = false;

    explicit Story(Envelope from = Envelope());
    bool operator==(const Story&) const = default;
};

/// Collects the lines of one step; text() is what the journal and the queue file keep.
class Step {
public:
    /// The next step of this story.
    Step(const Story& story, std::int64_t now);
    void fate(std::size_t recipient, const Progress& progress);
    void told(std::size_t recipient);
    /// The message with this id is about to tell the sender: written before that message is, so
    /// that a repeated attempt makes the same one.
    void notice(std::size_t recipient, const std::string& id);
    void warning(const std::string& id);
    void report(const std::string& id);
    void reported();
    /// Recipient is replaced by these.
    void expanded(std::size_t recipient, const std::vector<Recipient>& into);
    void next_attempt(std::int64_t when);
    void warned();
    void expire();
    /// From now on it goes by this transport:nexthop; empty: by its routes.
    void filter(const std::string& to);
    const std::string& text() const { return text_; }

private:
    std::string text_;
};

/// Applies a step; one whose number is not above the story's is skipped, so applying twice is
/// harmless.  An error leaves the story partly changed: throw it away.
Result<void> apply_step(Story& story, std::string_view step);

/// Number and time of a step, without applying it.
struct StepHead {
    std::uint32_t number = 0;
    std::int64_t when = 0;
};
Result<StepHead> step_head(std::string_view step);

}  // namespace facteur::spool
