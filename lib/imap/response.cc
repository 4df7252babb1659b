#include "lib/imap/response.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "lib/imap/scanner.h"

namespace facteur::imap {

namespace {

constexpr std::size_t kMaxEscapes = 4;    // above that a literal is easier to read
constexpr std::size_t kMaxQuoted = 1000;  // some clients have line limits

bool fits_quoted(std::string_view text) {
    if (text.size() > kMaxQuoted) return false;
    std::size_t escapes = 0;
    for (char c : text) {
        if (c == '\r' || c == '\n' || static_cast<unsigned char>(c) >= 0x80) return false;
        if (c == '"' || c == '\\') ++escapes;
    }
    return escapes <= kMaxEscapes;
}

}  // namespace

void append_literal_mark(std::string& out, std::size_t size) {
    out += '{';
    out += std::to_string(size);
    out += "}\r\n";
}

void append_string(std::string& out, std::string_view text) {
    std::string clean;
    if (text.find('\0') != std::string_view::npos) {
        clean = text;
        std::erase(clean, '\0');
        text = clean;
    }
    if (!fits_quoted(text)) {
        append_literal_mark(out, text.size());
        out += text;
        return;
    }
    out += '"';
    for (char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    out += '"';
}

void append_astring(std::string& out, std::string_view text) {
    bool is_atom = !text.empty() && text != "NIL" &&
                   std::all_of(text.begin(), text.end(), [](char c) { return is_atom_char(c); });
    if (is_atom) {
        out += text;
    } else {
        append_string(out, text);
    }
}

void append_date_time(std::string& out, WallTime when) {
    std::time_t seconds = std::chrono::system_clock::to_time_t(when);
    std::tm local{};
    localtime_r(&seconds, &local);
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    long zone = local.tm_gmtoff / 60;
    char sign = zone < 0 ? '-' : '+';
    if (zone < 0) zone = -zone;
    char text[64];
    std::snprintf(text, sizeof text, "\"%02d-%s-%04d %02d:%02d:%02d %c%02ld%02ld\"", local.tm_mday,
                  kMonths[local.tm_mon], local.tm_year + 1900, local.tm_hour, local.tm_min,
                  local.tm_sec, sign, zone / 60, zone % 60);
    out += text;
}

}  // namespace facteur::imap
