#include "lib/spool/queue_file.h"

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/spool/lines.h"
#include "lib/spool/queue_id.h"

namespace facteur::spool {
namespace {

constexpr std::string_view kTitle = "FACTEUR QUEUE FILE 1\n";
constexpr std::string_view kCheck = "check ";
constexpr std::size_t kCheckLine = 6 + 8 + 1;

std::string hex(std::uint32_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8)
        bytes += static_cast<char>(value >> shift & 0xFF);
    return hex_encode(bytes);
}

Result<std::uint32_t> unhex(std::string_view text) {
    auto bytes = text.size() == 8 ? hex_decode(text) : std::nullopt;
    if (!bytes) return permanent("queue file: bad checksum text");
    std::uint32_t value = 0;
    for (char c : *bytes)
        value = value << 8 | static_cast<unsigned char>(c);
    return value;
}

std::string check_line(std::string_view block) {
    return std::string(kCheck) + hex(crc32c(block)) + "\n";
}

/// True for what an interrupted append leaves: the end is missing, or blocks of the disk that were
/// not written yet read as zeros.  A block that is there to its end and wrong is damage.
bool is_cut(std::string_view block) {
    if (block.find('\0') != std::string_view::npos || block.size() < kCheckLine) return true;
    return !block.substr(block.size() - kCheckLine).starts_with(kCheck) || !block.ends_with('\n');
}

/// Takes the lines of one block off the front; an error when the check is missing or wrong.
Result<std::string_view> take_block(std::string_view& in) {
    std::size_t at = 0;
    while (at < in.size() && !in.substr(at).starts_with(kCheck)) {
        std::size_t end = in.find('\n', at);
        if (end == std::string_view::npos) return permanent("queue file: block has no end");
        at = end + 1;
    }
    if (in.size() - at < kCheckLine) return permanent("queue file: block has no end");
    std::string_view block = in.substr(0, at);
    if (in.substr(at, kCheckLine) != check_line(block)) {
        return permanent("queue file: block is damaged");
    }
    in.remove_prefix(at + kCheckLine);
    return block;
}

}  // namespace

std::string encode(const FileHeader& header) {
    std::string out(kTitle);
    put_line(out, "id", header.id);
    put_line(out, "content", std::to_string(header.content_length) + " " + hex(header.content_crc));
    out += check_line(out);
    out.resize(kContentOffset - 1, ' ');
    out += '\n';
    return out;
}

Result<FileHeader> decode_file_header(std::string_view bytes) {
    if (bytes.size() < kContentOffset || !bytes.starts_with(kTitle)) {
        return permanent("not a queue file of version 1");
    }
    bytes = bytes.substr(0, kContentOffset);
    TRY(std::string_view block, take_block(bytes));
    block.remove_prefix(kTitle.size());
    FileHeader header;
    TextLine line;
    while (take_line(block, line)) {
        if (line.key == "id") header.id = line.value;
        if (line.key != "content") continue;
        std::string_view rest = line.value;
        auto length = parse_number(take_word(rest));
        if (!length) return permanent("queue file: bad content length");
        header.content_length = *length;
        TRY(header.content_crc, unhex(rest));
    }
    if (!is_queue_id(header.id)) return permanent("queue file: bad queue id");
    if (bytes.find_first_not_of(' ') != bytes.size() - 1 || bytes.back() != '\n') {
        return permanent("queue file: header is damaged");
    }
    return header;
}

std::string encode_step_block(std::string_view step) {
    return std::string(step) + check_line(step);
}

std::string encode_trailer(const Envelope& envelope, const std::vector<std::string>& steps) {
    std::string out = "\n";
    out += encode_step_block(to_text(envelope));
    for (const std::string& step : steps)
        out += encode_step_block(step);
    return out;
}

Result<Trailer> decode_trailer(std::string_view bytes) {
    std::size_t total = bytes.size();
    if (!bytes.starts_with('\n')) return permanent("queue file: no envelope");
    bytes.remove_prefix(1);
    Trailer trailer;
    TRY(std::string_view envelope_text, take_block(bytes));
    TRY(auto envelope, parse_envelope(envelope_text));
    trailer.story = Story(std::move(envelope));
    trailer.good = total - bytes.size();
    while (!bytes.empty()) {
        auto step = take_block(bytes);
        if (!step) {
            if (is_cut(bytes)) break;
            return std::unexpected(std::move(step).error());
        }
        TRY_VOID(apply_step(trailer.story, *step));
        trailer.steps.emplace_back(*step);
        trailer.good = total - bytes.size();
    }
    return trailer;
}

}  // namespace facteur::spool
