#include "lib/imap/url.h"

#include "lib/base/text.h"

namespace facteur::imap {

namespace {

std::unexpected<Error> bad_url() {
    return permanent("Invalid IMAP URL", "5.5.2");
}

int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    char low = lower(c);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

// RFC 3986 section 2.1
std::optional<std::string> percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (i + 2 >= text.size()) return {};
        int high = hex_digit(text[i + 1]);
        int low = hex_digit(text[i + 2]);
        if (high < 0 || low < 0 || (high == 0 && low == 0)) return {};
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

std::optional<std::uint32_t> number32(std::string_view text) {
    auto number = text.size() > 10 ? std::nullopt : parse_number(text);
    if (!number || *number > UINT32_MAX) return {};
    return static_cast<std::uint32_t>(*number);
}

/// Takes ";NAME=value" off the front, up to the next "/"; false when it is something else.
bool take_parameter(std::string_view& path, std::string_view name, std::string& value) {
    if (!istarts_with(path, name)) return false;
    path.remove_prefix(name.size());
    std::size_t end = path.find('/');
    auto decoded = percent_decoded(path.substr(0, end));
    if (!decoded || decoded->empty()) return false;
    value = *std::move(decoded);
    path.remove_prefix(end == std::string_view::npos ? path.size() : end);
    return true;
}

Result<Section> section_of(const std::string& text) {
    std::string item = "BODY.PEEK[" + text + "]";
    Scanner scanner(item);
    TRY(auto items, parse_fetch_items(scanner, 1));
    TRY_VOID(scanner.end());
    return std::move(items.front().section);
}

// RFC 5092 section 11: partial-range = number ["." nz-number]
Result<Partial> partial_of(std::string_view text) {
    Partial partial;
    std::size_t dot = text.find('.');
    auto offset = number32(text.substr(0, dot));
    std::optional<std::uint32_t> length = UINT32_MAX;
    if (dot != std::string_view::npos) length = number32(text.substr(dot + 1));
    if (!offset || !length || *length == 0) return bad_url();
    partial.offset = *offset;
    partial.length = *length;
    return partial;
}

Result<void> take_mailbox(std::string_view& path, MessageUrl& url) {
    if (!path.starts_with('/')) return bad_url();
    path.remove_prefix(1);
    std::size_t end = path.find("/;");
    if (end == std::string_view::npos) return bad_url();
    std::string_view name = path.substr(0, end);
    path.remove_prefix(end);
    std::size_t semicolon = name.find(';');
    auto decoded = percent_decoded(name.substr(0, semicolon));
    if (!decoded || decoded->empty()) return bad_url();
    url.mailbox = *std::move(decoded);
    if (semicolon == std::string_view::npos) return {};
    constexpr std::string_view kValidity = ";UIDVALIDITY=";
    name.remove_prefix(semicolon);
    if (!istarts_with(name, kValidity)) return bad_url();
    url.uid_validity = number32(name.substr(kValidity.size()));
    if (!url.uid_validity) return bad_url();
    return {};
}

}  // namespace

Result<MessageUrl> parse_message_url(std::string_view text) {
    MessageUrl url;
    constexpr std::string_view kScheme = "imap://";
    if (istarts_with(text, kScheme)) {
        text.remove_prefix(kScheme.size());
        std::string_view server = text.substr(0, text.find('/'));
        text.remove_prefix(server.size());
        if (std::size_t at = server.rfind('@'); at != std::string_view::npos) {
            server.remove_prefix(at + 1);
        }
        url.host = server.substr(0, server.find(':'));
        if (url.host.empty()) return bad_url();
    }
    TRY_VOID(take_mailbox(text, url));
    std::string value;
    if (!take_parameter(text, "/;UID=", value)) return bad_url();
    auto uid = number32(value);
    if (!uid || *uid == 0) return bad_url();
    url.uid = *uid;
    if (take_parameter(text, "/;SECTION=", value)) {
        TRY(url.section, section_of(value));
    }
    if (take_parameter(text, "/;PARTIAL=", value)) {
        TRY(url.partial, partial_of(value));
    }
    if (!text.empty()) return bad_url();
    return url;
}

}  // namespace facteur::imap
