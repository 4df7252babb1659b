#include "lib/store/maildir/file_name.h"

#include <algorithm>

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/store/store.h"

namespace facteur::store::maildir {
namespace {

struct Letter {
    char letter;
    Flags flag;
};
// The Maildir convention's flags; P (passed) has no counterpart and stays as it is.
constexpr Letter kLetters[] = {
    {'D', draft}, {'F', flagged}, {'R', answered}, {'S', seen}, {'T', deleted}};

constexpr std::string_view kDelivery = "FQ";

/// The number of a ",X=" field, or nothing when the field is not of that form.
std::optional<std::uint64_t> field(std::string_view piece, char name) {
    if (piece.size() < 3 || piece[0] != name || piece[1] != '=') return std::nullopt;
    return parse_number(piece.substr(2));
}

bool is_field(std::string_view piece, std::string_view names) {
    return std::any_of(names.begin(), names.end(),
                       [piece](char name) { return field(piece, name).has_value(); });
}

/// The base without the fields of these names; what stands before the first comma always stays.
std::string without_fields(std::string_view base, std::string_view names) {
    std::string out;
    auto pieces = split(base, ',');
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        if (i > 0 && is_field(pieces[i], names)) continue;
        if (i > 0) out.push_back(',');
        out.append(pieces[i]);
    }
    return out;
}

}  // namespace

FileName parse_file_name(std::string_view name) {
    FileName out;
    std::size_t colon = name.find(':');
    out.base = name.substr(0, colon);
    if (colon != std::string_view::npos && name.substr(colon).starts_with(":2,")) {
        out.letters = name.substr(colon + 3);
    }
    auto pieces = split(out.base, ',');
    for (std::size_t i = 1; i < pieces.size(); ++i) {
        if (auto size = field(pieces[i], 'S')) out.size = size;
        if (auto size = field(pieces[i], 'W')) out.wire_size = size;
        if (auto uid = field(pieces[i], 'U'); uid && *uid > 0 && *uid <= 0xffffffff)
            out.uid = static_cast<std::uint32_t>(*uid);
    }
    return out;
}

std::string message_key(std::string_view name) {
    std::string_view base = name.substr(0, name.find(':'));
    std::size_t dot = base.find('.');
    if (dot != std::string_view::npos && base.substr(dot + 1).starts_with(kDelivery)) {
        std::string_view id = base.substr(dot + 1);
        return std::string(id.substr(0, id.find_first_of(".,")));
    }
    return without_fields(base, "SWU");
}

std::string with_uid(std::string_view base, std::uint32_t uid) {
    return without_fields(base, "U") + ",U=" + std::to_string(uid);
}

std::uint8_t flags_of(std::string_view letters) {
    std::uint8_t flags = 0;
    for (char c : letters) {
        for (const Letter& letter : kLetters)
            if (letter.letter == c) flags |= letter.flag;
    }
    return flags;
}

std::uint64_t keywords_of(std::string_view letters) {
    std::uint64_t keywords = 0;
    for (char c : letters) {
        if (c >= 'a' && c <= 'z') keywords |= std::uint64_t{1} << (c - 'a');
    }
    return keywords;
}

std::string info_suffix(std::uint8_t flags, std::uint64_t keywords, std::string_view old_letters) {
    std::string letters;
    for (const Letter& letter : kLetters)
        if (flags & letter.flag) letters.push_back(letter.letter);
    for (char c = 'a'; c <= 'z'; ++c)
        if (keywords & (std::uint64_t{1} << (c - 'a'))) letters.push_back(c);
    for (char c : old_letters) {
        bool ours = (c >= 'a' && c <= 'z') || flags_of(std::string_view(&c, 1)) != 0;
        if (!ours && letters.find(c) == std::string::npos) letters.push_back(c);
    }
    std::sort(letters.begin(), letters.end());
    return ":2," + letters;
}

bool is_delivery_key(std::string_view key) {
    return key.starts_with(kDelivery) && key.find('.') == std::string_view::npos;
}

std::string delivery_key(std::string_view delivery_id) {
    bool plain = std::all_of(delivery_id.begin(), delivery_id.end(), [](char c) {
        return is_alpha(c) || is_digit(c) || c == '-' || c == '_';
    });
    return std::string(kDelivery) + (plain ? std::string(delivery_id) : hex_encode(delivery_id));
}

std::int64_t name_time(std::string_view name) {
    constexpr std::size_t kMostDigits = 10;  // until the year 2286
    std::size_t digits = 0;
    std::int64_t seconds = 0;
    while (digits < name.size() && digits <= kMostDigits && is_digit(name[digits]))
        seconds = seconds * 10 + (name[digits++] - '0');
    bool is_time = digits > 0 && digits <= kMostDigits && digits < name.size();
    return is_time && name[digits] == '.' ? seconds : 0;
}

}  // namespace facteur::store::maildir
