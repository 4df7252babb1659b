#include "qmgr/suspensions.h"

#include <fcntl.h>

#include "lib/base/text.h"

namespace facteur::qmgr {
namespace {

constexpr const char* kPath = "hold/.suspended";
constexpr const char* kUnfinished = "hold/.suspended.new";
constexpr std::size_t kMost = 10000;

bool is_domain(std::string_view text) {
    if (text.empty() || text.size() > 255) return false;
    for (char c : text) {
        if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f') return false;
    }
    return true;
}

}  // namespace

void Suspensions::read() {
    const std::int64_t size = spool::state_of(kPath).size;
    auto fd = spool::open_to_read(kPath);
    if (!fd || size < 0) return;
    auto text = spool::read_exactly(fd->get(), 0, static_cast<std::size_t>(size));
    if (!text) return;
    for (std::string_view line : split(*text, '\n')) {
        if (is_domain(line)) domains_.emplace(line);
    }
}

std::string Suspensions::covering(const std::string& recipient, const std::string& nexthop) const {
    if (domains_.empty()) return std::string();
    std::string domain = to_lower(recipient.substr(recipient.rfind('@') + 1));
    if (domains_.contains(domain)) return domain;
    std::string hop = to_lower(nexthop);
    return domains_.contains(hop) ? hop : std::string();
}

Result<void> Suspensions::change(const std::vector<std::string>& domains, bool resume) {
    for (const std::string& domain : domains) {
        if (!is_domain(domain)) return permanent("not a domain: " + printable(domain));
    }
    if (!resume && domains_.size() + domains.size() > kMost) {
        return permanent("too many domains are suspended");
    }
    for (const std::string& domain : domains) {
        if (resume && domain == "ALL") domains_.clear();
        if (resume) domains_.erase(to_lower(domain));
        if (!resume) domains_.insert(to_lower(domain));
    }
    return {};
}

std::string Suspensions::text() const {
    std::string text;
    for (const std::string& domain : domains_)
        text += domain + "\n";
    return text;
}

Result<void> write_suspensions(spool::Files& files, const std::string& text) {
    TRY(Fd fd, files.open(kUnfinished, O_WRONLY | O_CREAT | O_TRUNC));
    TRY_VOID(files.write(fd.get(), text, 0));
    TRY_VOID(files.flush(fd.get()));
    TRY_VOID(files.rename(kUnfinished, kPath));
    return files.flush_folder("hold");
}

}  // namespace facteur::qmgr
