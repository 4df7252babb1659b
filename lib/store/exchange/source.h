#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/event/task.h"
#include "lib/store/store.h"

/// Mail from elsewhere: what `facteur mailbox import` reads.
namespace facteur::store::exchange {

/// A mailbox of the other side.
struct SourceMailbox {
    std::string name;   ///< UTF-8, "/" between the levels
    std::string where;  ///< the source's own name for it
    bool subscribed = false;
    std::uint32_t uid_validity = 0;  ///< 0: it has no UIDs
    std::uint32_t uid_next = 0;
    std::uint32_t messages = 0;
};

struct SourceMessage {
    std::uint32_t uid = 0;  ///< 0: none
    Flags flags = 0;
    std::vector<std::string> keywords;
    std::optional<std::int64_t> internal_date;
    std::string bytes;  ///< in wire form
};

/// Takes a message; an Error ends the reading.
using Take = std::function<Task<Result<void>>(SourceMessage)>;
/// Whether a message with this UID is there already, and need not be read.
using Have = std::function<bool(std::uint32_t uid)>;

class Source {
public:
    virtual ~Source() = default;
    virtual Task<Result<std::vector<SourceMailbox>>> mailboxes() = 0;
    /// All messages, by UID.  The mailbox's UIDs and number become known before the first.
    virtual Task<Result<void>> read(SourceMailbox& mailbox, const Have& have, const Take& take) = 0;
};

/// Line ends of any kind as CRLF.
std::string to_wire(std::string_view text);

}  // namespace facteur::store::exchange
