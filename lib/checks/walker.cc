#include "lib/checks/walker.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/mime/content_type.h"

namespace facteur::checks {
namespace {

bool has_eight_bit(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0x80) != 0; });
}

bool is_folded(std::string_view text) {
    return !text.empty() && (text.front() == ' ' || text.front() == '\t');
}

constexpr std::string_view kMimeFields[] = {
    "Content-Description", "Content-Disposition",       "Content-ID",
    "Content-Type",        "Content-Transfer-Encoding", "MIME-Version",
};

}  // namespace

std::string_view fault_text(Fault fault) {
    switch (fault) {
        case Fault::none:
            break;
        case Fault::nesting:
            return "MIME nesting exceeds safety limit";
        case Fault::eight_bit_header:
            return "improper use of 8-bit data in message header";
        case Fault::eight_bit_body:
            return "improper use of 8-bit data in message body";
        case Fault::encoding_domain:
            return "invalid message/* or multipart/* encoding domain";
    }
    return "";
}

// RFC 5322 section 2.2, and section 4.5 for the spaces before the colon.
std::size_t field_name_length(std::string_view text) {
    std::size_t length = 0;
    while (length < text.size() && text[length] > ' ' && text[length] < '\x7F' &&
           text[length] != ':')
        ++length;
    std::size_t colon = length;
    while (colon < text.size() && (text[colon] == ' ' || text[colon] == '\t'))
        ++colon;
    return colon < text.size() && text[colon] == ':' ? length : 0;
}

Walker::Walker(const WalkerOptions& options, Sink& sink) : options_(options), sink_(sink) {}

void Walker::feed(std::string_view block) {
    while (!block.empty()) {
        const std::size_t lf = block.find('\n');
        const std::size_t room = options_.line + 2 - partial_.size();  // for CR LF
        std::size_t take = lf == std::string_view::npos ? block.size() : lf + 1;
        const bool cut = take > room;
        take = std::min(take, room);
        const bool whole = !cut && lf != std::string_view::npos;
        std::string_view text = block.substr(0, take);
        if (!whole || !partial_.empty()) {
            partial_.append(text);
            text = partial_;
        }
        block.remove_prefix(take);
        if (!whole && !cut) return;
        if (cut) text = text.substr(0, options_.line);
        Line one{text, at_, text.size(), line_starts_, whole};
        if (whole) {
            one.text.remove_suffix(1);
            if (one.text.ends_with('\r')) one.text.remove_suffix(1);
        }
        line(one);
        at_ += one.size;
        line_starts_ = whole;
        if (whole) partial_.clear();
        if (cut) partial_.erase(0, options_.line);
    }
}

void Walker::finish() {
    if (!partial_.empty()) {
        line(Line{partial_, at_, partial_.size(), line_starts_, false});
        at_ += partial_.size();
        partial_.clear();
    }
    if (field_) end_field();
}

void Walker::line(const Line& line) {
    if (state_ != State::body && header_line(line)) return;
    body_line(line);
}

/// False: the header ended before this line.
bool Walker::header_line(const Line& line) {
    const bool continues = field_ && (!line.starts || is_folded(line.text));
    if (continues) {
        field_->size += line.size;
        const std::size_t room = options_.header - std::min(options_.header, field_->text.size());
        if (line.starts && room > 0) field_->text += '\n';
        field_->text.append(line.text.substr(0, room));
        return true;
    }
    if (field_) end_field();
    if (line.starts && field_name_length(line.text) > 0) {
        field_.emplace();
        field_->at = line.at;
        field_->size = line.size;
        field_->text = line.text.substr(0, options_.header);
        return true;
    }
    end_header(line.text.empty());
    if (in_header_) header_end_ = line.at;
    in_header_ = false;
    return line.text.empty();
}

Kind Walker::kind_of(std::string_view name) const {
    if (state_ == State::part_header) return Kind::mime;
    if (options_.mime) {
        for (const std::string_view known : kMimeFields) {
            if (iequals(name, known)) return Kind::mime;
        }
    }
    return state_ == State::nested_header ? Kind::nested : Kind::header;
}

void Walker::end_field() {
    Item field = *std::move(field_);
    field_.reset();
    const std::string_view text = field.text;
    const std::string_view name = text.substr(0, field_name_length(text));
    const std::string_view value = text.substr(text.find(':') + 1);
    if (options_.report_eight_bit_header && has_eight_bit(text))
        report(Fault::eight_bit_header, text);
    if (options_.mime && iequals(name, "Content-Type")) content_type(value);
    if (options_.mime && iequals(name, "Content-Transfer-Encoding")) content_encoding(value);
    field.kind = kind_of(name);
    field.primary = state_ == State::header;
    sink_.found(std::move(field));
}

// RFC 2046 section 5.1: the boundary; section 5.1.5: what a digest's parts are by default.
void Walker::content_type(std::string_view value) {
    const mime::Parameterized type = mime::parse_parameterized(value);
    is_message_ = type.value == "message" && (type.subtype == "rfc822" || type.subtype == "global");
    is_composite_ = type.value == "message" || type.value == "multipart";
    if (type.value != "multipart") return;
    for (const mime::Parameter& parameter : type.parameters) {
        if (!iequals(parameter.name, "boundary")) continue;
        if (open_.size() >= options_.nesting) {
            if (options_.report_nesting) report(Fault::nesting, value);
            return;
        }
        open_.push_back(
            Boundary{parameter.value.substr(0, options_.boundary), type.subtype == "digest"});
        return;
    }
}

// RFC 2045 section 6.
void Walker::content_encoding(std::string_view value) {
    const std::string encoding = mime::parse_parameterized(value).value;
    encoded_ = encoding != "7bit" && encoding != "8bit" && encoding != "binary";
    domain_ = encoding == "8bit"     ? Domain::eight_bit
              : encoding == "binary" ? Domain::binary
                                     : Domain::seven_bit;
}

// RFC 2045 section 6.4: a composite part is not encoded itself.  What ends without an empty line
// has no header inside.
void Walker::end_header(bool empty_line) {
    if (options_.report_encoding_domain && is_composite_ && encoded_)
        report(Fault::encoding_domain, "");
    if (options_.mime && is_message_ && !encoded_ && empty_line) {
        enter(State::nested_header, false);
    } else {
        state_ = State::body;
    }
    segment_ = 0;
}

void Walker::enter(State state, bool message_by_default) {
    state_ = state;
    is_message_ = is_composite_ = message_by_default;
    domain_ = Domain::seven_bit;
    encoded_ = false;
    segment_ = 0;
}

void Walker::body_line(const Line& line) {
    if (options_.report_eight_bit_body && options_.mime && domain_ == Domain::seven_bit &&
        has_eight_bit(line.text))
        report(Fault::eight_bit_body, line.text);
    const std::uint64_t offset = segment_;
    segment_ += line.size;
    if (sink_.wants_body(offset) && !line.text.empty()) {
        Item item;
        item.kind = Kind::body;
        item.ends_line = line.ends;
        item.at = line.at;
        item.size = line.size;
        item.text = line.text;
        sink_.found(std::move(item));
    }
    if (line.starts && !open_.empty() && line.text.starts_with("--")) find_boundary(line.text);
}

// RFC 2046 section 5.1.1; an outer boundary ends all parts inside, too.
void Walker::find_boundary(std::string_view text) {
    text.remove_prefix(2);
    for (std::size_t i = open_.size(); i-- > 0;) {
        if (!text.starts_with(open_[i].text)) continue;
        const bool closes = text.substr(open_[i].text.size()).starts_with("--");
        const bool digest = open_[i].digest;
        open_.resize(closes ? i : i + 1);
        enter(closes ? State::body : State::part_header, !closes && digest);
        return;
    }
}

void Walker::report(Fault fault, std::string_view context) {
    if (fault_ != Fault::none) return;
    fault_ = fault;
    fault_context_ = printable(context, 100);
}

}  // namespace facteur::checks
