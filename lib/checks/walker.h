#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace facteur::checks {

/// Which of the four checks looks at something: header_checks(5).
enum class Kind : std::uint8_t {
    header,  ///< of the message, but for MIME fields
    mime,    ///< MIME fields of the message, and every field of a part of a multipart
    nested,  ///< of a message inside, but for MIME fields
    body,
};

/// What is wrong with a content by itself.
enum class Fault : std::uint8_t {
    none,
    nesting,           ///< mime_nesting_limit
    eight_bit_header,  ///< strict_7bit_headers
    eight_bit_body,    ///< strict_8bitmime_body
    encoding_domain,   ///< strict_mime_encoding_domain
};
std::string_view fault_text(Fault fault);

struct WalkerOptions {
    bool mime = true;             ///< false: everything behind the message's header is body
    unsigned nesting = 100;       ///< multiparts inside each other; deeper ones are plain body
    std::size_t boundary = 2048;  ///< so much of a boundary is compared
    std::size_t header = 102400;  ///< so much of one field is looked at
    std::size_t line = 2048;      ///< longer body lines are looked at in pieces
    bool report_nesting = false;
    bool report_eight_bit_header = false;
    bool report_eight_bit_body = false;
    bool report_encoding_domain = false;
};

/// One logical header field, or one line of a body, and where it stands in the content.
struct Item {
    Kind kind = Kind::header;
    bool primary = false;    ///< a field of the message itself, MIME or not
    bool ends_line = true;   ///< false: a piece of a longer body line
    std::uint64_t at = 0;    ///< from the start of the content
    std::uint64_t size = 0;  ///< with the line end
    std::string text;        ///< unlike the content, with LF between the lines of a folded field
};

/// What a Walker finds.
class Sink {
public:
    virtual ~Sink() = default;
    /// Is a line that stands so far behind the start of its body segment of any interest?
    virtual bool wants_body(std::uint64_t offset) const = 0;
    virtual void found(Item item) = 0;
};

/// Follows the structure of a message (RFC 5322, RFC 2045, RFC 2046) as it streams by, as Postfix
/// does: what is malformed is body.  It keeps one field and the open boundaries, never more.
class Walker {
public:
    Walker(const WalkerOptions& options, Sink& sink);
    void feed(std::string_view block);
    void finish();

    /// The header of the message has not ended yet.
    bool in_header() const { return in_header_; }
    /// Where it ended: at the empty line, or at what is no field.
    std::uint64_t header_end() const { return in_header_ ? at_ : header_end_; }
    Fault fault() const { return fault_; }
    const std::string& fault_context() const { return fault_context_; }

private:
    enum class State : std::uint8_t { header, part_header, nested_header, body };
    enum class Domain : std::uint8_t { seven_bit, eight_bit, binary };
    struct Line {
        std::string_view text;
        std::uint64_t at;
        std::uint64_t size;
        bool starts;
        bool ends;
    };
    struct Boundary {
        std::string text;
        bool digest;  ///< its parts are messages unless they say otherwise
    };

    void line(const Line& line);
    bool header_line(const Line& line);
    void body_line(const Line& line);
    void end_field();
    void end_header(bool empty_line);
    void content_type(std::string_view value);
    void content_encoding(std::string_view value);
    void enter(State state, bool message_by_default);
    void find_boundary(std::string_view text);
    void report(Fault fault, std::string_view context);
    Kind kind_of(std::string_view name) const;

    WalkerOptions options_;
    Sink& sink_;
    State state_ = State::header;
    bool in_header_ = true;
    std::uint64_t at_ = 0;  ///< of what was not handled yet
    std::uint64_t header_end_ = 0;
    std::string partial_;        ///< of a line that is not complete
    bool line_starts_ = true;    ///< otherwise in the middle of a long one
    std::optional<Item> field_;  ///< the open one
    std::uint64_t segment_ = 0;  ///< bytes of this body segment so far
    std::vector<Boundary> open_;
    bool is_message_ = false;  ///< the Content-Type says message/rfc822
    bool is_composite_ = false;
    Domain domain_ = Domain::seven_bit;
    bool encoded_ = false;  ///< base64, quoted-printable or an unknown encoding
    Fault fault_ = Fault::none;
    std::string fault_context_;
};

/// "Name: value": the length of the name, without spaces behind it; 0: this is no field.
std::size_t field_name_length(std::string_view text);

}  // namespace facteur::checks
