#include "lib/imap/base_subject.h"

#include "lib/base/text.h"

namespace facteur::imap {

namespace {

bool is_wsp(char c) {
    return c == ' ' || c == '\t';
}

// Step 1: white space becomes single spaces.
std::string squeeze(std::string_view subject) {
    std::string out;
    for (char c : subject) {
        if (c == '\t' || c == '\r' || c == '\n') c = ' ';
        if (c == ' ' && out.ends_with(' ')) continue;
        out += c;
    }
    return out;
}

void skip_wsp(std::string_view& text) {
    while (!text.empty() && is_wsp(text.front()))
        text.remove_prefix(1);
}

// subj-blob = "[" *BLOBCHAR "]" *WSP
bool take_blob(std::string_view& text) {
    if (!text.starts_with('[')) return false;
    std::size_t end = text.find_first_of("[]", 1);
    if (end == std::string_view::npos || text[end] != ']') return false;
    text.remove_prefix(end + 1);
    skip_wsp(text);
    return true;
}

// subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"
bool take_refwd(std::string_view& text) {
    std::string_view rest = text;
    if (istarts_with(rest, "fwd")) {
        rest.remove_prefix(3);
    } else if (istarts_with(rest, "re") || istarts_with(rest, "fw")) {
        rest.remove_prefix(2);
    } else {
        return false;
    }
    skip_wsp(rest);
    take_blob(rest);
    if (!rest.starts_with(':')) return false;
    rest.remove_prefix(1);
    text = rest;
    return true;
}

// subj-leader = (*subj-blob subj-refwd) / WSP
bool take_leader(std::string_view& text, bool& is_reply) {
    if (!text.empty() && is_wsp(text.front())) {
        skip_wsp(text);
        return true;
    }
    std::string_view rest = text;
    while (take_blob(rest)) {
    }
    if (!take_refwd(rest)) return false;
    is_reply = true;
    text = rest;
    return true;
}

// Step 2: subj-trailer = "(fwd)" / WSP
void drop_trailers(std::string_view& text, bool& is_reply) {
    for (;;) {
        if (!text.empty() && is_wsp(text.back())) {
            text.remove_suffix(1);
        } else if (text.size() >= 5 && iequals(text.substr(text.size() - 5), "(fwd)")) {
            text.remove_suffix(5);
            is_reply = true;
        } else {
            return;
        }
    }
}

// Steps 3 to 5.
void drop_leaders(std::string_view& text, bool& is_reply) {
    for (bool again = true; again;) {
        again = false;
        while (take_leader(text, is_reply))
            again = true;
        std::string_view rest = text;
        if (take_blob(rest) && !rest.empty()) {  // step 4: only while something is left
            text = rest;
            again = true;
        }
    }
}

}  // namespace

BaseSubject base_subject(std::string_view subject) {
    BaseSubject base;
    std::string squeezed = squeeze(subject);
    std::string_view text = squeezed;
    for (;;) {
        drop_trailers(text, base.is_reply);
        drop_leaders(text, base.is_reply);
        // Step 6: subj-fwd-hdr, subj-fwd-trl
        if (!istarts_with(text, "[fwd:") || !text.ends_with(']')) break;
        text = text.substr(5, text.size() - 6);
        base.is_reply = true;
    }
    base.text = text;
    return base;
}

}  // namespace facteur::imap
