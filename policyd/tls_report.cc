#include "policyd/tls_report.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <zlib.h>

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/base/time.h"

namespace facteur::policyd {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::size_t kMaxPolicies = 20;

/// "2026-11-22T00:00:00Z"
std::string moment(std::int64_t seconds) {
    std::time_t time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

/// gzip (RFC 1952), as application/tlsrpt+gzip asks for.
Result<std::string> gzip(std::string_view text) {
    constexpr int kGzipWindow = 15 + 16;
    z_stream stream{};
    if (::deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, 8,
                       Z_DEFAULT_STRATEGY) != Z_OK) {
        return temporary("cannot compress");
    }
    std::string out(::deflateBound(&stream, text.size()) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // NOLINT
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());  // NOLINT
    stream.avail_out = static_cast<uInt>(out.size());
    int done = ::deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    ::deflateEnd(&stream);
    if (done != Z_STREAM_END) return temporary("cannot compress");
    return out;
}

std::string base64_lines(std::string_view bytes) {
    constexpr std::size_t kPerLine = 57;
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += kPerLine)
        out += base64_encode(bytes.substr(at, kPerLine)) + "\r\n";
    return out;
}

}  // namespace

void TlsReport::count(const ipc::TlsResult& result, std::size_t most_details) {
    addresses_ = result.addresses;
    urls_ = result.urls;
    auto policy = std::ranges::find_if(policies_, [&](const Policy& one) {
        return one.type == result.policy_type && one.text == result.policy;
    });
    if (policy == policies_.end()) {
        if (policies_.size() >= kMaxPolicies) return;
        Policy fresh;
        fresh.type = result.policy_type;
        fresh.text = result.policy;
        fresh.patterns = result.patterns;
        policies_.push_back(std::move(fresh));
        policy = std::prev(policies_.end());
    }
    if (result.failure.empty()) {
        ++policy->good;
        return;
    }
    ++policy->bad;
    const Policy::Detail key = {result.failure, result.server, result.server_address,
                                result.client_address, result.reason};
    if (policy->details.contains(key) || policy->details.size() < most_details)
        ++policy->details[key];
}

std::string TlsReport::encode() const {
    Json json;
    json["domain"] = domain_;
    json["begin"] = begin_;
    json["end"] = end_;
    json["addresses"] = addresses_;
    json["urls"] = urls_;
    json["policies"] = Json::array();
    for (const Policy& policy : policies_) {
        Json one;
        one["type"] = policy.type;
        one["text"] = policy.text;
        one["patterns"] = policy.patterns;
        one["good"] = policy.good;
        one["bad"] = policy.bad;
        one["details"] = Json::array();
        for (const auto& [key, count] : policy.details) {
            Json detail = key;
            detail.push_back(count);
            one["details"].push_back(std::move(detail));
        }
        json["policies"].push_back(std::move(one));
    }
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<TlsReport> TlsReport::decode(std::string_view text) try {
    Json json = Json::parse(text);
    TlsReport report(json.at("domain").get<std::string>(), json.at("begin").get<std::int64_t>(),
                     json.at("end").get<std::int64_t>());
    report.addresses_ = json.at("addresses").get<std::vector<std::string>>();
    report.urls_ = json.at("urls").get<std::vector<std::string>>();
    for (const Json& one : json.at("policies")) {
        Policy policy;
        policy.type = one.at("type").get<std::string>();
        policy.text = one.at("text").get<std::vector<std::string>>();
        policy.patterns = one.at("patterns").get<std::vector<std::string>>();
        policy.good = one.at("good").get<std::uint64_t>();
        policy.bad = one.at("bad").get<std::uint64_t>();
        for (const Json& detail : one.at("details")) {
            Policy::Detail key;
            for (std::size_t i = 0; i < key.size(); ++i)
                key[i] = detail.at(i).get<std::string>();
            policy.details[key] = detail.at(key.size()).get<std::uint64_t>();
        }
        report.policies_.push_back(std::move(policy));
    }
    return report;
} catch (const Json::exception& failure) {
    return permanent(std::string("no TLS report: ") + failure.what());
}

std::string TlsReport::json(const Reporter& reporter, std::string_view id) const {
    Json report;
    report["organization-name"] = reporter.organization;
    report["date-range"]["start-datetime"] = moment(begin_);
    report["date-range"]["end-datetime"] = moment(end_ - 1);
    report["contact-info"] = reporter.contact;
    report["report-id"] = id;
    report["policies"] = Json::array();
    for (const Policy& policy : policies_) {
        Json one;
        one["policy"]["policy-type"] = policy.type;
        if (!policy.text.empty()) one["policy"]["policy-string"] = policy.text;
        one["policy"]["policy-domain"] = domain_;
        if (!policy.patterns.empty()) one["policy"]["mx-host"] = policy.patterns;
        one["summary"]["total-successful-session-count"] = policy.good;
        one["summary"]["total-failure-session-count"] = policy.bad;
        for (const auto& [key, count] : policy.details) {
            const auto& [failure, server, address, ours, reason] = key;
            Json detail;
            detail["result-type"] = failure;
            if (!ours.empty()) detail["sending-mta-ip"] = ours;
            if (!server.empty()) detail["receiving-mx-hostname"] = server;
            if (!address.empty()) detail["receiving-ip"] = address;
            detail["failed-session-count"] = count;
            if (!reason.empty()) detail["failure-reason-code"] = reason;
            one["failure-details"].push_back(std::move(detail));
        }
        report["policies"].push_back(std::move(one));
    }
    return report.dump(2, ' ', false, Json::error_handler_t::replace);
}

Result<std::string> TlsReport::packed(const Reporter& reporter, std::string_view id) const {
    return gzip(json(reporter, id));
}

Result<std::string> TlsReport::message(const Reporter& reporter, std::string_view id) const {
    TRY(std::string attached, packed(reporter, id));
    std::string to = join(addresses_, ",\r\n\t");
    std::string boundary = fmt::format("tlsrpt-{}", id);
    // RFC 8460 section 5.1: submitter!domain!begin!end!id.
    std::string name =
        fmt::format("{}!{}!{}!{}!{}.json.gz", reporter.submitter, domain_, begin_, end_ - 1, id);
    std::string out = fmt::format(
        "From: {0}\r\nTo: {1}\r\nDate: {2}\r\nMessage-ID: <{3}@{4}>\r\n"
        "Subject: Report Domain: {5}\r\n Submitter: {4}\r\n Report-ID: <{3}@{4}>\r\n"
        "TLS-Report-Domain: {5}\r\nTLS-Report-Submitter: {4}\r\nTLS-Required: No\r\n"
        "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n\tboundary=\"{6}\"\r\n\r\n",
        reporter.contact, to, rfc5322_date(std::chrono::system_clock::now()), id,
        reporter.submitter, domain_, boundary);
    out += fmt::format(
        "--{0}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
        "This is an aggregate TLS report from {1}\r\n(RFC 8460), for the mail servers of {2}.\r\n"
        "\r\n--{0}\r\nContent-Type: application/tlsrpt+gzip\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        "Content-Disposition: attachment;\r\n\tfilename=\"{3}\"\r\n\r\n",
        boundary, reporter.submitter, domain_, name);
    out += base64_lines(attached);
    out += fmt::format("--{}--\r\n", boundary);
    return out;
}

}  // namespace facteur::policyd
