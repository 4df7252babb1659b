#include "lib/mime/address.h"

#include "lib/base/text.h"
#include "lib/mime/header.h"
#include "lib/mime/tokens.h"

namespace facteur::mime {
namespace {

constexpr std::string_view kPhraseStops = "<>,:;\"(@[";
constexpr std::string_view kSpecStops = "<>,:;\"(@";

class AddressParser {
public:
    AddressParser(std::string_view text, std::size_t limit) : tokens_(text), limit_(limit) {}
    std::vector<Address> run();

private:
    void element();
    void angle(const std::string& phrase);
    void bare(const std::string& word);
    void emit(Address address);
    void emit_group_start(std::string name);
    void emit_group_end();
    std::string local_part();
    std::string domain();

    Tokens tokens_;
    std::size_t limit_;
    std::vector<Address> out_;
    std::string comments_;
    bool in_group_ = false;
};

void AddressParser::emit(Address address) {
    if (address.name.empty()) {
        // RFC 822 habit: "user@host (Real Name)".
        address.name = std::string(trim(comments_));
    }
    comments_.clear();
    if (out_.size() < limit_) out_.push_back(std::move(address));
}

void AddressParser::emit_group_start(std::string name) {
    comments_.clear();
    in_group_ = true;
    Address start;
    start.kind = Address::Kind::group_start;
    start.mailbox = std::move(name);
    if (out_.size() < limit_) out_.push_back(std::move(start));
}

void AddressParser::emit_group_end() {
    in_group_ = false;
    comments_.clear();
    Address end;
    end.kind = Address::Kind::group_end;
    out_.push_back(std::move(end));
}

std::string AddressParser::domain() {
    std::string out;
    for (;;) {
        tokens_.skip(&comments_);
        if (tokens_.peek() == '[') {
            while (!tokens_.done() && tokens_.peek() != ']')
                out.push_back(tokens_.take());
            if (tokens_.take_if(']')) out.push_back(']');
            continue;
        }
        std::string_view word = tokens_.atom("<>,;\"([");
        if (word.empty()) return out;
        // RFC 5322 section 4.4: obs-domain has spaces around its dots; other spaces end it.
        out.append(word);
        std::size_t before = tokens_.position();
        tokens_.skip(&comments_);
        if (!out.ends_with('.') && tokens_.peek() != '.') {
            tokens_.seek(before);
            tokens_.skip();
            return out;
        }
    }
}

std::string AddressParser::local_part() {
    std::string out;
    for (;;) {
        tokens_.skip(&comments_);
        if (tokens_.peek() == '"') {
            out.append(tokens_.quoted());
            continue;
        }
        std::string_view word = tokens_.atom(kSpecStops);
        if (word.empty()) return out;
        out.append(word);
    }
}

/// After the "<".
void AddressParser::angle(const std::string& phrase) {
    Address address;
    address.name = phrase;
    tokens_.skip(&comments_);
    if (tokens_.peek() == '@') {  // RFC 5322 section 4.4: obs-route
        while (!tokens_.done() && tokens_.peek() != ':' && tokens_.peek() != '>') {
            char c = tokens_.take();
            if (!is_space(c)) address.route.push_back(c);
        }
        tokens_.take_if(':');
    }
    address.mailbox = local_part();
    if (tokens_.take_if('@')) address.host = domain();
    while (!tokens_.done() && tokens_.peek() != '>' && tokens_.peek() != ',')
        tokens_.take();
    tokens_.take_if('>');
    tokens_.skip(&comments_);
    comments_.clear();  // only behind a bare address a comment is a name
    emit(std::move(address));
}

/// "word" stands before an "@" or at the end of the element.
void AddressParser::bare(const std::string& word) {
    Address address;
    address.mailbox = word;
    if (tokens_.take_if('@')) address.host = domain();
    tokens_.skip(&comments_);
    if (tokens_.peek() == '<') {  // "user@host <user@host>": what stands first is a name
        tokens_.take();
        angle(address.host.empty() ? word : word + "@" + address.host);
        return;
    }
    if (!address.mailbox.empty() || !address.host.empty()) emit(std::move(address));
}

void AddressParser::element() {
    std::string phrase;
    std::string local;  // the same words without spaces around their dots
    for (;;) {
        std::size_t gap = tokens_.position();
        tokens_.skip(&comments_);
        bool has_gap = tokens_.position() != gap;
        char c = tokens_.peek();
        if (tokens_.done() || c == ',' || c == ';') {
            if (!local.empty()) bare(local);
            return;
        }
        if (c == '<') {
            tokens_.take();
            angle(phrase);
            return;
        }
        if (c == '@') {
            bare(local);
            return;
        }
        if (c == ':' && !in_group_) {
            tokens_.take();
            emit_group_start(phrase);
            return;
        }
        std::string word;
        if (c == '"') {
            word = tokens_.quoted();
        } else {
            word = std::string(tokens_.atom(kPhraseStops));
            if (word.empty()) {
                tokens_.take();
                continue;
            }
        }
        // "Joe Q. Public": RFC 5322 section 4.1 obs-phrase keeps its spaces, a local part does not.
        bool joined = local.ends_with('.') || word.starts_with('.');
        if (!local.empty() && !joined) local.push_back(' ');
        local.append(word);
        if (!phrase.empty() && (has_gap || !joined)) phrase.push_back(' ');
        phrase.append(word);
    }
}

std::vector<Address> AddressParser::run() {
    while (out_.size() < limit_) {
        tokens_.skip(&comments_);
        if (tokens_.done()) break;
        if (tokens_.take_if(',')) continue;
        if (tokens_.take_if(';')) {
            if (in_group_) emit_group_end();
            continue;
        }
        element();
    }
    if (in_group_) emit_group_end();
    return std::move(out_);
}

}  // namespace

std::vector<Address> parse_addresses(std::string_view value, std::size_t limit) {
    return AddressParser(value, limit).run();
}

}  // namespace facteur::mime
