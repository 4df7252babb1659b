#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace facteur {

/// ASCII only, whatever the locale: mail protocols fold case in ASCII (RFC 5321 section 2.4).
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
bool iequals(std::string_view a, std::string_view b);
bool istarts_with(std::string_view text, std::string_view prefix);
bool iends_with(std::string_view text, std::string_view suffix);
constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_alpha(char c) {
    return lower(c) >= 'a' && lower(c) <= 'z';
}
constexpr bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/// Without the spaces (space, TAB, CR, LF, VT, FF) at both ends.
std::string_view trim(std::string_view text);

/// The pieces between separators; "a,,b" gives three, "" gives one empty piece.
std::vector<std::string_view> split(std::string_view text, char separator);
/// They would point into a string that is gone.
std::vector<std::string_view> split(std::same_as<std::string> auto&& text, char separator) = delete;
/// The words of a list as main.cf writes it: separated by any of `separators`, empty ones dropped.
std::vector<std::string_view> words(std::string_view text,
                                    std::string_view separators = ", \t\r\n");
std::vector<std::string_view> words(std::same_as<std::string> auto&& text,
                                    std::string_view separators = ", \t\r\n") = delete;
/// Takes the first word (up to a space or TAB) off the front, with the spaces that follow it.
std::string_view take_word(std::string_view& text);

std::string join(const std::vector<std::string>& pieces, std::string_view separator);
std::string replace_all(std::string text, std::string_view from, std::string_view to);

/// A whole decimal number without sign or spaces; nothing on overflow or other characters.
std::optional<std::uint64_t> parse_number(std::string_view text);

/// Safe to log or to echo: control characters and non-ASCII bytes become '?', at most `limit`
/// bytes.
std::string printable(std::string_view text, std::size_t limit = 512);

}  // namespace facteur
