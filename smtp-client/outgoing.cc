#include "smtp-client/outgoing.h"

#include <algorithm>

#include <fmt/format.h>
#include <sys/mman.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/base/write_all.h"
#include "lib/event/yield.h"
#include "lib/smtp/address.h"

namespace facteur::smtp_client {
namespace {

/// Reads over what stands between `open` and `close`, which may be nested and escaped.
std::size_t skip_over(std::string_view text, std::size_t at, char open, char close) {
    int depth = 0;
    for (; at < text.size(); ++at) {
        if (text[at] == '\\') {
            ++at;
        } else if (text[at] == close && (open == close ? depth > 0 : true)) {
            if (--depth <= 0) return at + 1;
        } else if (text[at] == open) {
            ++depth;
        }
    }
    return text.size();
}

bool ends_address(char c) {
    return is_space(c) || c == ',' || c == ';' || c == ':' || c == '(' || c == '<' || c == '>';
}

}  // namespace

std::vector<Span> address_spans(std::string_view value) {
    std::vector<Span> spans;
    for (std::size_t at = 0; at < value.size();) {
        char c = value[at];
        if (c == '(') {
            at = skip_over(value, at, '(', ')');
        } else if (ends_address(c)) {
            ++at;
        } else {
            // One word; a quoted string may be part of an address, or of a name.
            std::size_t start = at;
            std::size_t sign = std::string_view::npos;
            while (at < value.size() && !ends_address(value[at])) {
                if (value[at] == '@') sign = at;
                if (value[at] == '"') {
                    at = skip_over(value, at, '"', '"');
                } else if (value[at] == '[') {
                    at = skip_over(value, at, '[', ']');
                } else {
                    ++at;
                }
            }
            bool address = sign != std::string_view::npos && sign > start && sign + 1 < at;
            if (address) spans.push_back({start, at - start});
        }
    }
    return spans;
}

Outgoing::Outgoing(const Settings& settings, Lookups& lookups)
    : settings_(settings), lookups_(lookups), maps_(!settings.generic_maps().empty()) {
    options_.place = checks::Place::delivering;
    options_.tables.header = settings.header_checks();
    options_.tables.mime = settings.mime_header_checks();
    options_.tables.nested = settings.nested_header_checks();
    options_.tables.body = settings.body_checks();
}

/// generic(5): "@domain" keeps the name.
Task<Result<std::string>> Outgoing::external(std::string address) {
    if (!maps_ || address.empty()) co_return address;
    CO_TRY(auto found,
           co_await lookups_.find(settings_.generic_maps(), ipc::LookupKey::address, address));
    if (!found || found->empty()) co_return address;
    auto sign = address.rfind('@');
    if (found->front() == '@') co_return address.substr(0, sign) + *found;
    if (found->find('@') == std::string::npos && sign != std::string::npos)
        co_return *found + address.substr(sign);
    co_return *found;
}

Task<Result<void>> Outgoing::rewrite_field(checks::AddressField field, checks::Edits& edits) {
    std::string text = field.text;
    std::size_t colon = text.find(':');
    if (colon == std::string::npos) co_return Result<void>();
    bool changed = false;
    std::vector<Span> spans = address_spans(std::string_view(text).substr(colon + 1));
    for (auto span = spans.rbegin(); span != spans.rend(); ++span) {
        std::string_view written = std::string_view(text).substr(colon + 1 + span->at, span->size);
        auto mailbox = smtp::parse_mailbox(written);
        if (!mailbox) continue;
        std::string old = mailbox->internal();
        CO_TRY(std::string fresh, co_await external(old));
        if (fresh == old) continue;
        text.replace(colon + 1 + span->at, span->size, smtp::to_external(fresh));
        changed = true;
    }
    if (!changed) co_return Result<void>();
    checks::Edit edit;
    edit.at = field.at;
    edit.size = field.size;
    edit.text = replace_all(std::move(text), "\n", "\r\n") + "\r\n";
    edits.push_back(std::move(edit));
    co_return Result<void>();
}

Task<Result<std::unique_ptr<Content>>> Outgoing::rewrite(std::string queue_id, Content& content) {
    std::unique_ptr<Content> rewritten;
    if (is_idle()) co_return rewritten;
    checks::LookUp look_up = [this](ipc::LookupMany question) {
        return lookups_.find_many(std::move(question));
    };
    checks::Tell tell = [queue_id](const checks::Event& event) {
        log_info(fmt::format("{}: {}: {} {}: {}", queue_id, event.action, event.part, event.content,
                             event.text));
    };
    checks::Source source{content.fd(), content.offset(), content.size()};
    CO_TRY(checks::Outcome outcome, co_await checks::inspect(options_, look_up, tell, source));
    checks::Edits edits;
    if (maps_) {
        for (const checks::AddressField& field : outcome.addresses) {
            // What a check has replaced or removed is not there any more.
            bool gone = false;
            for (const checks::Edit& edit : outcome.edits)
                gone = gone || (edit.size > 0 && edit.at == field.at);
            if (gone) continue;
            CO_TRY_VOID(co_await rewrite_field(field, edits));
        }
    }
    edits.insert(edits.end(), outcome.edits.begin(), outcome.edits.end());
    if (edits.empty()) co_return rewritten;
    std::ranges::stable_sort(edits, [](const checks::Edit& a, const checks::Edit& b) {
        return a.at != b.at ? a.at < b.at : a.size < b.size;
    });
    Fd file(::memfd_create("facteur-outgoing", MFD_CLOEXEC));
    if (!file) co_return system_error("memory file");
    constexpr std::uint64_t kBlockSize = 256 * 1024;
    for (const checks::Piece& piece : checks::pieces(content.size(), edits)) {
        if (!piece.text.empty() && !write_all(file.get(), piece.text))
            co_return system_error("memory file");
        for (std::uint64_t done = 0; piece.text.empty() && done < piece.size;) {
            std::string block = content.read(piece.at + done);
            block.resize(std::min<std::uint64_t>(block.size(), piece.size - done));
            done += block.size();
            if (!write_all(file.get(), block)) co_return system_error("memory file");
            if (done % kBlockSize == 0) co_await Yield();
        }
    }
    rewritten =
        std::make_unique<Content>(std::move(file), 0, checks::size_after(content.size(), edits));
    co_return rewritten;
}

}  // namespace facteur::smtp_client
