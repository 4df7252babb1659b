#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace facteur::smtp {

/// One reply, either side.  Lines of a multi-line text are separated by '\n'.
struct Reply {
    int code = 250;
    std::string status;  ///< RFC 3463 code, repeated on each line; may be empty (EHLO, 220, 354)
    std::string text;

    bool is_positive() const { return code >= 200 && code < 300; }
    bool is_intermediate() const { return code >= 300 && code < 400; }
    bool is_temporary() const { return code >= 400 && code < 500; }
    bool is_permanent() const { return code >= 500; }
    bool operator==(const Reply&) const = default;
};

/// "550-5.1.1 first\r\n550 5.1.1 last\r\n" (RFC 5321 section 4.2.1, RFC 2034 section 4).
std::string to_wire(const Reply& reply);
/// The same appended to a buffer: a pipelined session answers without a string a reply.
void append_wire(std::string& out, const Reply& reply);
/// "550 5.1.1 first last": one line, for log lines and delivery status notifications.
std::string to_line(const Reply& reply);

/// Puts the lines that a server sends together to a Reply: add() each line, without its line end,
/// until it gives true.  A server can make it grow no further than its limits.
class ReplyReader {
public:
    static constexpr std::size_t kMaxLine = 2048;
    static constexpr std::size_t kMaxText = 16384;
    static constexpr std::size_t kMaxLines = 128;

    /// True when that was the last line.  An Error means that this is not SMTP: hang up.
    /// Text beyond kMaxText is dropped silently.
    Result<bool> add(std::string_view line);
    /// The finished reply; the reader is ready for the next one.
    Reply take();

private:
    Reply reply_{0, {}, {}};
    std::size_t lines_ = 0;
};

}  // namespace facteur::smtp
