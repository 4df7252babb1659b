#include "tools/facteur/queue_disk.h"

#include <unistd.h>

#include "lib/spool/snapshot.h"

namespace facteur::tool {
namespace {

ipc::QueuePlace place_of(spool::Seen::Place place) {
    switch (place) {
        case spool::Seen::Place::journal:
            return ipc::QueuePlace::journal;
        case spool::Seen::Place::deferred:
            return ipc::QueuePlace::deferred;
        case spool::Seen::Place::hold:
            return ipc::QueuePlace::hold;
        case spool::Seen::Place::maildrop:
            break;
    }
    return ipc::QueuePlace::maildrop;
}

}  // namespace

bool may_read_disk() {
    for (const char* folder : {"journal", "deferred", "hold", "maildrop"}) {
        if (::access(folder, R_OK | X_OK) != 0) return false;
    }
    return true;
}

Result<void> entries_on_disk(const std::function<void(const ipc::QueueEntry&)>& each) {
    return spool::read_queue([&](const spool::Seen& seen) {
        ipc::QueueEntry entry;
        const spool::Story& story = seen.story;
        entry.queue_id = seen.id.text();
        entry.place = place_of(seen.place);
        entry.arrival = story.envelope.arrival;
        // drop leaves the time of arrival to who takes the message over.
        if (entry.arrival == 0) entry.arrival = static_cast<std::int64_t>(seen.id.time);
        entry.size = story.envelope.size;
        entry.sender = story.envelope.sender;
        entry.next_attempt = story.next_attempt;
        entry.attempts = story.attempts;
        entry.client_name = story.envelope.client_name;
        entry.client_address = story.envelope.client_address;
        entry.login = story.envelope.login;
        entry.priority = story.envelope.priority;
        for (std::size_t i = 0; i < story.progress.size(); ++i) {
            ipc::QueueRecipient recipient;
            recipient.address = story.envelope.recipients[i].address;
            recipient.original = story.envelope.recipients[i].original;
            recipient.fate = static_cast<std::uint8_t>(story.progress[i].fate);
            recipient.status = story.progress[i].status;
            recipient.text = story.progress[i].text;
            entry.recipients.push_back(std::move(recipient));
        }
        each(entry);
    });
}

}  // namespace facteur::tool
