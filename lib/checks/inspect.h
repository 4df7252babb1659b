#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/checks/action.h"
#include "lib/checks/edits.h"
#include "lib/checks/walker.h"
#include "lib/event/task.h"
#include "lib/ipc/ways/address.h"

namespace facteur::checks {

/// The tables of one daemon's four checks.
struct TableNames {
    std::vector<std::string> header;
    std::vector<std::string> mime;
    std::vector<std::string> nested;
    std::vector<std::string> body;

    const std::vector<std::string>& of(Kind kind) const;
    bool any() const {
        return !header.empty() || !mime.empty() || !nested.empty() || !body.empty();
    }
};

struct Options {
    TableNames tables;
    WalkerOptions walker;
    std::uint64_t body_limit = 51200;  ///< of each body segment
    Place place = Place::receiving;
    std::vector<std::string> drop;  ///< header fields that go in any case
    std::string reject_characters;
    std::string strip_characters;

    /// Nothing behind the message's header is of interest.
    bool header_only() const;
};

/// Which fields the header of a message has once the checks are through with it.
struct HeaderFacts {
    bool date = false;
    bool message_id = false;
    bool from = false;
    bool recipient = false;  ///< To or Cc, Resent- or not
    bool resent = false;     ///< any Resent- field
    bool resent_date = false;
    bool resent_message_id = false;
    bool resent_from = false;
    std::string id;  ///< the value of Message-ID, unfolded
    void note(std::string_view field);
};

/// A field with addresses in it, as it is kept.
struct AddressField {
    std::uint64_t at = 0;
    std::uint64_t size = 0;
    std::string text;  ///< folded with LF
};

/// What the checks want.
struct Outcome {
    std::optional<Refusal> refusal;
    bool discard = false;
    bool hold = false;
    bool pass = false;  ///< nothing looks at the rest, no milter either
    std::string filter;
    std::string redirect;
    std::vector<std::string> copies;  ///< BCC
    Edits edits;
    HeaderFacts header;
    std::uint64_t header_end = 0;  ///< in the content as it was: of the empty line
    std::vector<AddressField> addresses;
};

/// Something to log in the words of Postfix's cleanup(8): "reject", "header", the field, the text.
struct Event {
    std::string_view action;
    std::string_view part;  ///< "header" or "body"
    std::string content;    ///< harmless, cut
    std::string text;
};

/// Asks addressd, or a test.
using LookUp = std::function<Task<Result<ipc::LookupManyReply>>(ipc::LookupMany)>;
using Tell = std::function<void(const Event&)>;

/// Where a content stands: descriptor, first byte, length.
struct Source {
    int fd = -1;
    std::uint64_t base = 0;
    std::uint64_t size = 0;
};

/// Runs the checks of header_checks(5) over a content, block by block; nothing of it changes.  The
/// Error: a table could not be asked, or the content not be read.  What is given by reference must
/// live until the task ends.
Task<Result<Outcome>> inspect(const Options& options, const LookUp& look_up, const Tell& tell,
                              Source source);

/// Takes characters out of a file in place.
Result<void> strip(const Source& source, std::string_view characters, std::uint64_t& size);

/// "\0\r\101": C's escapes, as message_strip_characters has them.
std::string unescape(std::string_view text);

/// One item's action: what it does to the outcome; false: nothing more of this message is looked
/// at.  Shared with milter_header_checks.
bool act(const Action& action, const Item& item, Outcome& outcome, const Tell& tell);

}  // namespace facteur::checks
