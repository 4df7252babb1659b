#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/ipc/ways/tls_report.h"

namespace facteur::policyd {

/// Who reports, as parameters say.
struct Reporter {
    std::string organization;
    std::string contact;    ///< an address
    std::string submitter;  ///< the domain that reports
};

/// What one domain hears about one day (RFC 8460 section 4).
class TlsReport {
public:
    TlsReport() = default;
    /// The times are seconds since 1970.
    TlsReport(std::string domain, std::int64_t begin, std::int64_t end)
        : domain_(std::move(domain)), begin_(begin), end_(end) {}

    void count(const ipc::TlsResult& result, std::size_t most_details);
    const std::string& domain() const { return domain_; }
    /// When it is complete.
    std::int64_t end() const { return end_; }
    const std::vector<std::string>& addresses() const { return addresses_; }
    const std::vector<std::string>& urls() const { return urls_; }
    /// It went by mail, or nobody wanted it so.
    void mailed() { addresses_.clear(); }
    /// It was posted there, or will not be.
    void posted() { urls_.erase(urls_.begin()); }

    /// As it is kept over restarts.
    std::string encode() const;
    static Result<TlsReport> decode(std::string_view text);

    /// RFC 8460 section 4.4.
    std::string json(const Reporter& reporter, std::string_view id) const;
    /// The same, compressed.
    Result<std::string> packed(const Reporter& reporter, std::string_view id) const;
    /// The whole message with the report in it (RFC 8460 section 5.3).
    Result<std::string> message(const Reporter& reporter, std::string_view id) const;

private:
    struct Policy {
        std::string type;
        std::vector<std::string> text;
        std::vector<std::string> patterns;
        std::uint64_t good = 0;
        std::uint64_t bad = 0;
        /// failure, server, its address, ours, the reason
        using Detail = std::array<std::string, 5>;
        std::map<Detail, std::uint64_t> details;
    };
    std::string domain_;
    std::int64_t begin_ = 0;
    std::int64_t end_ = 0;
    std::vector<std::string> addresses_;
    std::vector<std::string> urls_;
    std::vector<Policy> policies_;
};

}  // namespace facteur::policyd
