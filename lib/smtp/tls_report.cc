#include "lib/smtp/tls_report.h"

#include <algorithm>

#include "lib/base/text.h"

namespace facteur::smtp {
namespace {

constexpr std::size_t kMaxTargets = 10;
constexpr std::size_t kMaxUrl = 1000;

bool is_tlsrpt_version(std::string_view text) {
    if (!text.starts_with("v=TLSRPTv1")) return false;
    std::string_view rest = trim(text.substr(10));
    return rest.empty() || rest.front() == ';';
}

int uri_hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// RFC 6068 section 2: the address of a mailto: URI without its fields.
std::string address_of(std::string_view uri) {
    uri = uri.substr(0, uri.find('?'));
    std::string address;
    for (std::size_t i = 0; i < uri.size(); ++i) {
        int high = uri[i] == '%' && i + 2 < uri.size() ? uri_hex_digit(uri[i + 1]) : -1;
        int low = high >= 0 ? uri_hex_digit(uri[i + 2]) : -1;
        if (low >= 0) {
            address += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            address += uri[i];
        }
    }
    auto at = address.rfind('@');
    bool good = at != std::string::npos && at > 0 && at + 1 < address.size() &&
                address.size() <= 254 && std::ranges::all_of(address, [](char c) {
                    return c > ' ' && c < 0x7f && c != '<' && c != '>' && c != '"';
                });
    return good ? address : std::string();
}

}  // namespace

std::optional<ReportUrl> parse_report_url(std::string_view url) {
    constexpr std::string_view kScheme = "https://";
    if (!istarts_with(url, kScheme) || url.size() > kMaxUrl) return std::nullopt;
    std::string_view rest = url.substr(kScheme.size());
    const bool odd = std::ranges::any_of(rest, [](char c) {
        return c <= ' ' || c >= 0x7f ||
               std::string_view("<>\"\\^`{|}@").find(c) != std::string_view::npos;
    });
    if (odd) return std::nullopt;
    ReportUrl parts;
    std::size_t end = rest.find_first_of("/?#");
    std::string_view host = rest.substr(0, end);
    parts.path = end == std::string_view::npos ? "/" : std::string(rest.substr(end));
    if (!parts.path.starts_with('/')) parts.path.insert(0, "/");
    parts.path.erase(std::min(parts.path.find('#'), parts.path.size()));
    if (std::size_t colon = host.find(':'); colon != std::string_view::npos) {
        auto port = parse_number(host.substr(colon + 1));
        if (!port || *port == 0 || *port > 65535) return std::nullopt;
        parts.port = static_cast<std::uint16_t>(*port);
        host = host.substr(0, colon);
    }
    parts.host = to_lower(host);
    if (parts.host.empty() || parts.host.find('.') == std::string::npos) return std::nullopt;
    return parts;
}

ReportTargets report_targets(const std::vector<std::string>& texts) {
    ReportTargets targets;
    const std::string* record = nullptr;
    for (const std::string& text : texts) {
        if (!is_tlsrpt_version(text)) continue;
        if (record) return {};
        record = &text;
    }
    if (!record) return {};
    for (std::string_view field : split(*record, ';')) {
        std::string_view one = trim(field);
        if (!one.starts_with("rua=")) continue;
        for (std::string_view uri : split(one.substr(4), ',')) {
            std::string_view plain = trim(uri);
            if (targets.addresses.size() + targets.urls.size() >= kMaxTargets) break;
            if (istarts_with(plain, "mailto:")) {
                std::string address = address_of(plain.substr(7));
                if (!address.empty()) targets.addresses.push_back(std::move(address));
            } else if (parse_report_url(plain)) {
                targets.urls.emplace_back(plain);
            }
        }
    }
    return targets;
}

}  // namespace facteur::smtp
