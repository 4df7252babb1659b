#include "lib/smtp/status.h"

#include "lib/base/text.h"

namespace facteur::smtp {

bool is_status(std::string_view text) {
    if (text.size() < 5 || text[1] != '.') return false;
    if (text[0] != '2' && text[0] != '4' && text[0] != '5') return false;
    const std::string_view rest = text.substr(2);
    const std::size_t dot = rest.find('.');
    if (dot == std::string_view::npos) return false;
    for (const std::string_view part : {rest.substr(0, dot), rest.substr(dot + 1)}) {
        if (part.size() > 3 || !parse_number(part)) return false;
    }
    return true;
}

std::string_view take_status(std::string_view& text, int code) {
    const std::size_t end = text.find(' ');
    const std::string_view status = text.substr(0, end);
    if (!is_status(status) || status[0] - '0' != code / 100) return {};
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return status;
}

std::string_view generic_status(int code) {
    if (code >= 200 && code < 300) return "2.0.0";
    return code >= 500 ? "5.0.0" : "4.0.0";
}

}  // namespace facteur::smtp
