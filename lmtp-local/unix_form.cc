#include "lmtp-local/unix_form.h"

#include <algorithm>
#include <cerrno>

#include <unistd.h>

#include "lib/smtp/address.h"

namespace facteur::lmtp_local {
namespace {

constexpr std::size_t kBlock = 64 * 1024;

/// Turns a stream of blocks into LF lines, with ">From " when wanted.
class Converter {
public:
    Converter(UnixForm form, const std::function<Result<void>(std::string_view)>& put)
        : quoting_(form == UnixForm::mailbox), put_(put) {}

    Result<void> take(std::string_view block) {
        for (char c : block) {
            if (c == '\r') {
                end_match();
                if (cr_) out_ += '\r';  // a CR that no LF follows stays
                cr_ = true;
                continue;
            }
            if (cr_ && c != '\n') out_ += '\r';
            cr_ = false;
            add(c);
        }
        if (out_.size() < kBlock) return {};
        return flush();
    }
    Result<void> finish() {
        end_match();
        if (cr_) out_ += '\r';
        if (!at_start_) out_ += '\n';
        if (quoting_) out_ += '\n';
        return flush();
    }

private:
    static constexpr std::string_view kFrom = "From ";

    void add(char c) {
        if (quoting_ && (at_start_ || matched_ > 0) && matched_ < kFrom.size() &&
            c == kFrom[matched_]) {
            at_start_ = false;
            if (++matched_ < kFrom.size()) return;
            out_ += '>';
            end_match();
            return;
        }
        end_match();
        out_ += c;
        at_start_ = c == '\n';
    }
    void end_match() {
        out_ += kFrom.substr(0, matched_);
        matched_ = 0;
    }
    Result<void> flush() {
        std::string whole = std::move(out_);
        out_.clear();
        return whole.empty() ? Result<void>() : put_(whole);
    }

    const bool quoting_;
    const std::function<Result<void>(std::string_view)>& put_;
    std::string out_;
    std::size_t matched_ = 0;
    bool at_start_ = true;
    bool cr_ = false;
};

}  // namespace

std::string from_line(const std::string& sender, std::time_t when) {
    std::tm local{};
    ::localtime_r(&when, &local);
    char date[64];
    std::strftime(date, sizeof date, "%a %b %e %H:%M:%S %Y", &local);
    // Spaces and line ends in a quoted local part would break what reads the line.
    std::string name = sender.empty() ? "MAILER-DAEMON" : smtp::to_external(sender);
    auto breaks = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; };
    std::replace_if(name.begin(), name.end(), breaks, '_');
    return "From " + name + "  " + date;
}

Result<void> to_unix_form(UnixForm form, std::string_view from_line, std::string_view prefix,
                          int content, std::uint64_t offset, std::uint64_t size,
                          const std::function<Result<void>(std::string_view)>& put) {
    if (!from_line.empty()) {
        TRY_VOID(put(std::string(from_line) + "\n"));
    }
    Converter converter(form, put);
    TRY_VOID(converter.take(prefix));
    std::string block(kBlock, '\0');
    for (std::uint64_t done = 0; done < size;) {
        ssize_t got = ::pread(content, block.data(), std::min<std::uint64_t>(kBlock, size - done),
                              static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_error("read the message");
        if (got == 0) return temporary("the content of the message is cut");
        done += static_cast<std::uint64_t>(got);
        TRY_VOID(converter.take(std::string_view(block).substr(0, static_cast<std::size_t>(got))));
    }
    return converter.finish();
}

}  // namespace facteur::lmtp_local
