#include "tools/facteur/message_keys.h"

#include "lib/base/text.h"
#include "lib/mime/part.h"

namespace facteur::tool {
namespace {

class Collector {
public:
    Collector(std::string_view message, const MessageParts& wanted)
        : message_(message), wanted_(wanted) {}

    std::vector<std::string> collect(const mime::Part& root) {
        if (wanted_.mime) {
            part(root);
        } else {
            header(root);
            if (wanted_.body) lines(root.body_offset, message_.size());
        }
        return std::move(keys_);
    }

private:
    // Body lines are all that stands in no header: preambles and boundaries, too.
    void part(const mime::Part& each) {
        header(each);
        std::size_t at = each.body_offset;
        const std::size_t end = each.body_offset + each.body_size;
        for (const mime::Part& child : each.children) {
            between(at, child.header_offset);
            part(child);
            at = child.body_offset + child.body_size;
        }
        between(at, end);
    }
    void between(std::size_t begin, std::size_t end) {
        if (!wanted_.body || begin >= end) return;
        // The line end in front of a boundary ends the last line of the part before it.
        if (begin >= 2 && message_[begin - 1] != '\n' && message_.substr(begin, 2) == "\r\n")
            begin += 2;
        lines(begin, end);
    }
    void header(const mime::Part& each) {
        if (!wanted_.headers) return;
        for (std::string& line : split_lines(each.header_offset, each.body_offset)) {
            if (line.empty()) break;
            if (!is_space(line.front()) || keys_.empty())
                keys_.push_back(std::move(line));
            else
                keys_.back().append("\n").append(line);
        }
    }
    void lines(std::size_t begin, std::size_t end) {
        for (std::string& line : split_lines(begin, end))
            keys_.push_back(std::move(line));
    }
    std::vector<std::string> split_lines(std::size_t begin, std::size_t end) const {
        std::string_view text = message_.substr(begin, end - begin);
        std::vector<std::string> found;
        while (!text.empty()) {
            const auto newline = text.find("\r\n");
            found.emplace_back(text.substr(0, newline));
            text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 2);
        }
        return found;
    }

    std::string_view message_;
    const MessageParts& wanted_;
    std::vector<std::string> keys_;
};

/// The wire form, which the structure is read from.
std::string with_crlf(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\n' && !out.ends_with('\r')) out += '\r';
        out += c;
    }
    return out;
}

}  // namespace

std::vector<std::string> message_keys(std::string_view message, const MessageParts& wanted) {
    const std::string wire = with_crlf(message);
    return Collector(wire, wanted).collect(mime::parse_structure(wire));
}

}  // namespace facteur::tool
