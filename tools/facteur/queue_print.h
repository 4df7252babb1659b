#pragma once

#include <cstdint>
#include <string>

#include "tools/facteur/queue_client.h"

namespace facteur::tool {

/// A time as people here read it.
std::string time_text(std::int64_t seconds, const char* format = "%a %b %d %H:%M:%S");

/// mailq(1), in the format that scripts parse: the head line, the messages, the sum.
class MailqPrinter {
public:
    void print(const ipc::QueueEntry& entry);
    void end() const;  ///< "Mail queue is empty" when there was none

private:
    std::uint64_t bytes_ = 0;
    std::uint64_t messages_ = 0;
};

/// One message as `postqueue -j` prints it: a JSON object on a line.
std::string to_json(const ipc::QueueEntry& entry);

/// What postcat(1) is asked to show.
struct CatParts {
    bool envelope = true;
    bool header = true;
    bool body = true;
    bool titles = true;  ///< "*** MESSAGE CONTENTS … ***"
};
/// Writes to standard output; an Error when the content cannot be read.
Result<void> print_message(const std::string& id, const QueueClient::Shown& shown,
                           const CatParts& parts);

/// "active", "deferred", "hold", as Postfix names the queues.
std::string_view queue_name(ipc::QueuePlace place);

}  // namespace facteur::tool
