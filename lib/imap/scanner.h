#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/base/time.h"
#include "lib/imap/flags.h"
#include "lib/imap/sequence_set.h"

namespace facteur::imap {

/// A calendar day without a time zone (RFC 3501 section 9 date).
using Day = std::chrono::sys_days;

/// Reads one complete command from the left: the line without its final CRLF, each literal
/// standing in it as the client sent it ("{5}", CRLF, five octets).  Functions are named after
/// the rules of RFC 3501 section 9; each takes what it reads, an Error says what was expected.
/// The text must outlive the scanner.
class Scanner {
public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    std::string_view rest() const { return rest_; }
    bool at_end() const { return rest_.empty(); }
    bool next_is(char c) const { return rest_.starts_with(c); }
    bool take(char c);                 ///< that character, if it is next
    bool take(std::string_view word);  ///< that text, without regard to case, if it is next
    Result<void> sp();                 ///< one space
    Result<void> expect(char c);
    Result<void> end();  ///< nothing may follow

    Result<std::string> tag();
    Result<std::string> atom();
    /// Letters, digits and ".", "-", "_": names of commands, items and search keys; upper case.
    std::string keyword();
    Result<std::string> string();  ///< quoted or literal
    Result<std::string> astring();
    Result<std::optional<std::string>> nstring();
    /// The same with RFC 3516 section 7 literal8, which may hold NUL.
    Result<std::optional<std::string>> nstring8();
    Result<std::string> list_mailbox();
    Result<std::uint32_t> number();
    Result<std::uint32_t> nz_number();
    Result<std::uint64_t> number64();
    Result<std::uint64_t> modseq();  ///< RFC 7162 section 7: 63 bits
    Result<SequenceSet> sequence_set() { return SequenceSet::parse(rest_); }
    /// "(" flags ")"; \Recent is nothing a client may set.
    Result<FlagList> flag_list();
    /// STORE takes flags without parentheses too: to the end of the command.
    Result<FlagList> flags_to_end();
    Result<WallTime> date_time();
    Result<Day> date();  ///< 1-Jan-2026, quoted or not

private:
    std::string_view take_while(bool (*belongs)(char));
    Result<std::string> quoted();
    Result<std::string> literal(bool binary = false);
    Result<void> flag(FlagList& into);

    std::string_view rest_;
};

/// RFC 3501 section 9 ATOM-CHAR, ASTRING-CHAR, and list-char.
bool is_atom_char(char c);
bool is_astring_char(char c);
bool is_list_char(char c);

/// A literal announced at the end of a line: "{310}", or "{310+}" (RFC 7888).
struct LiteralMark {
    std::uint64_t size = 0;
    bool synchronizing = true;  ///< the client waits for "+"
    bool binary = false;        ///< "~{310}", RFC 3516 section 4.4: any octet
    std::size_t at = 0;         ///< where "{" or "~" stands
};
std::optional<LiteralMark> trailing_literal(std::string_view line);

/// 1-12 for "Jan"-"Dec", 0 for anything else.
unsigned month_number(std::string_view name);

}  // namespace facteur::imap
