#include "lib/spool/snapshot.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "lib/spool/files.h"
#include "lib/spool/journal_format.h"
#include "lib/spool/message_file.h"

namespace facteur::spool {
namespace {

/// What the journal says, after the table in journal_format.h.
struct Journaled {
    struct Message {
        std::string envelope;
        std::vector<std::string> steps;
    };
    std::unordered_map<QueueId, Message> messages;
    std::unordered_map<QueueId, std::vector<std::string>> steps;  ///< of messages with a file
    std::unordered_set<QueueId> forgotten;

    void replay(const RecordHeader& header, std::string_view payload) {
        auto known = messages.find(header.id);
        if (header.type == RecordType::message) {
            messages[header.id].envelope = payload.substr(0, header.head);
        } else if (header.type == RecordType::step && known != messages.end()) {
            known->second.steps.emplace_back(payload);
        } else if (header.type == RecordType::step) {
            steps[header.id].emplace_back(payload);
        } else if (header.type != RecordType::mark) {
            if (known != messages.end()) messages.erase(known);
            steps.erase(header.id);
            if (header.type == RecordType::forget) forgotten.insert(header.id);
        }
    }
};

Result<Journaled> read_journal() {
    std::vector<std::pair<std::uint64_t, std::string>> segments;  // by use, the oldest first
    for (const std::string& name : names_in("journal")) {
        TRY(Fd fd, open_to_read("journal/" + name));
        auto head = read_exactly(fd.get(), 0, kSegmentHeader);
        auto header = head ? decode_segment_header(*head) : permanent("too short");
        if (header && header->use > 0) segments.emplace_back(header->use, "journal/" + name);
    }
    std::sort(segments.begin(), segments.end());
    Journaled journal;
    for (const auto& [use, path] : segments) {
        TRY(Fd fd, open_to_read(path));
        const auto size = static_cast<std::size_t>(state_of(path).size);
        TRY(std::string bytes, read_exactly(fd.get(), 0, size));
        TRY(SegmentHeader header, decode_segment_header(bytes));
        for (const Scan::Found& found : scan_segment(bytes, header.mark).records) {
            std::string_view payload = bytes;
            payload = payload.substr(found.offset + kRecordHeader, found.header.length);
            journal.replay(found.header, payload);
        }
    }
    return journal;
}

Result<Story> with_steps(Story story, const std::vector<std::string>& steps) {
    for (const std::string& step : steps) {
        TRY_VOID(apply_step(story, step));
    }
    return story;
}

class Reader {
public:
    Reader(Journaled journal, const std::function<void(const Seen&)>& each)
        : journal_(std::move(journal)), each_(each) {}

    void journaled() {
        for (const auto& [id, message] : journal_.messages) {
            auto envelope = parse_envelope(message.envelope);
            if (!envelope) continue;  // qmgr will tell of it, and move it to corrupt/
            tell(Seen::Place::journal, id, with_steps(Story(*std::move(envelope)), message.steps));
        }
    }
    void folder(const std::string& path, Seen::Place place) {
        for (const std::string& name : names_in(path)) {
            auto id = QueueId::parse(name);
            if (!id || journal_.forgotten.contains(*id) || journal_.messages.contains(*id)) {
                continue;
            }
            if (place == Seen::Place::deferred && state_of(hold_path(name)).size >= 0) continue;
            auto loaded = load_story(path + "/" + name);
            if (!loaded) continue;
            auto steps = journal_.steps.find(*id);
            tell(place, *id,
                 steps == journal_.steps.end() ? std::move(loaded)
                                               : with_steps(*std::move(loaded), steps->second));
        }
    }

private:
    void tell(Seen::Place place, QueueId id, Result<Story> story) {
        if (!story) return;
        Seen seen;
        seen.place = place;
        seen.id = id;
        seen.story = *std::move(story);
        each_(seen);
    }

    Journaled journal_;
    const std::function<void(const Seen&)>& each_;
};

}  // namespace

Result<void> read_queue(const std::function<void(const Seen&)>& each) {
    TRY(Journaled journal, read_journal());
    Reader reader(std::move(journal), each);
    reader.journaled();
    reader.folder("hold", Seen::Place::hold);
    for (const std::string& name : names_in("deferred"))
        reader.folder("deferred/" + name, Seen::Place::deferred);
    reader.folder("maildrop", Seen::Place::maildrop);
    return {};
}

}  // namespace facteur::spool
