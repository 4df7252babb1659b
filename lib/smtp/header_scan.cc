#include "lib/smtp/header_scan.h"

#include "lib/base/text.h"

namespace facteur::smtp {

void HeaderScan::scan(std::string_view block) {
    while (!done_ && !block.empty()) {
        if (at_line_start_ && !line_start(block)) continue;
        const std::size_t lf = block.find('\n');
        if (lf == std::string_view::npos) return;
        block.remove_prefix(lf + 1);
        at_line_start_ = true;
    }
}

/// Reads a field's name up to its colon, across blocks; true when the rest of the line is next.
bool HeaderScan::line_start(std::string_view& block) {
    while (!block.empty()) {
        const char c = block.front();
        if (name_.empty() && (c == ' ' || c == '\t') && !first_line_) {
            at_line_start_ = false;  // a folded line (RFC 5322 section 2.2.3)
            return true;
        }
        if (c == ':' && !name_.empty()) {
            field();
            name_.clear();
            at_line_start_ = first_line_ = false;
            return true;
        }
        // The empty line, or the body of a message without a header.
        if (c == '\n' || (c == '\r' && name_.empty()) || c == ':' ||
            (static_cast<unsigned char>(c) < ' ' && c != '\t')) {
            done_ = true;
            return false;
        }
        // Only the beginning of a long name is kept: it is none of ours.
        if (name_.size() < kLongestName) name_ += c;
        block.remove_prefix(1);
    }
    return false;
}

void HeaderScan::field() {
    const std::string_view name = trim(name_);  // "Subject :" is obsolete but legal syntax
    if (iequals(name, "Received")) {
        ++received;
    } else if (iequals(name, "Date")) {
        has_date = true;
    } else if (iequals(name, "Message-ID")) {
        has_message_id = true;
    } else if (iequals(name, "From")) {
        has_from = true;
    } else if (iequals(name, "To") || iequals(name, "Cc") || iequals(name, "Bcc")) {
        has_recipient = true;
    }
}

}  // namespace facteur::smtp
