#include "smtp-client/tls_policy.h"

#include <algorithm>
#include <filesystem>

#include "lib/base/read_file.h"
#include "lib/base/text.h"
#include "lib/net/address.h"

namespace facteur::smtp_client {
namespace {

constexpr std::size_t kAnchorFileLimit = 1 << 20;

std::vector<std::string> strings(const std::vector<std::string_view>& views) {
    return {views.begin(), views.end()};
}

Error bad_policy(const std::string& what) {
    return Error{Error::Kind::temporary, "4.7.5", "client TLS configuration problem: " + what};
}

bool is_mandatory(TlsLevel level) {
    return level != TlsLevel::none && level != TlsLevel::may;
}

bool wants_authorities(TlsLevel level) {
    return level == TlsLevel::verify || level == TlsLevel::secure;
}

/// OpenSSL's cipher list of a grade, without what is excluded.
std::string cipher_list(CipherGrade grade, const std::vector<std::string>& excluded,
                        const SharedTlsSettings& shared) {
    std::string list = grade == CipherGrade::high ? shared.high_ciphers() : shared.medium_ciphers();
    // OpenSSL takes nothing away from a list that was not given.
    if (list.empty() && !excluded.empty()) list = "DEFAULT";
    for (const std::string& name : excluded)
        list.append(":!").append(name);
    return list;
}

/// What a policy says beyond its level, before it is put together.
struct Draft {
    TlsPolicy policy;
    std::string protocols;
    CipherGrade grade = CipherGrade::medium;
    std::vector<std::string> excluded;
};

Draft of_level(TlsLevel level, const TlsGround& ground) {
    const TlsSettings& settings = ground.settings;
    Draft draft;
    TlsPolicy& policy = draft.policy;
    policy.level = level;
    policy.server_name = settings.server_name();
    policy.digest = settings.fingerprint_digest();
    policy.depth = settings.verify_depth();
    policy.wildcards_span_labels = ground.shared.wildcards_span_labels();
    bool mandatory = is_mandatory(level);
    draft.protocols = mandatory ? settings.mandatory_protocols() : settings.protocols();
    draft.grade = mandatory ? settings.mandatory_grade() : settings.grade();
    draft.excluded = settings.exclude_ciphers();
    if (mandatory) {
        const auto& more = settings.mandatory_exclude_ciphers();
        draft.excluded.insert(draft.excluded.end(), more.begin(), more.end());
    }
    if (wants_authorities(level)) policy.anchors_pem = ground.default_anchors;
    if (level == TlsLevel::verify) policy.match = settings.verify_match();
    if (level == TlsLevel::secure) policy.match = settings.secure_match();
    if (level == TlsLevel::fingerprint) policy.match = settings.fingerprint_match();
    return draft;
}

Result<TlsPolicy> finish(Draft draft, const TlsGround& ground) {
    auto versions = parse_tls_versions(draft.protocols);
    if (!versions) return std::unexpected(bad_policy(versions.error().text));
    TlsPolicy& policy = draft.policy;
    policy.versions = *versions;
    // A cipher without a certificate proves nothing.
    if (policy.authenticates() && !ground.shared.medium_ciphers().empty())
        draft.excluded.emplace_back("aNULL");
    policy.ciphers = cipher_list(draft.grade, draft.excluded, ground.shared);
    if (policy.level == TlsLevel::fingerprint && policy.match.empty()) {
        return std::unexpected(bad_policy("no fingerprints for security level fingerprint"));
    }
    if (wants_authorities(policy.level) && policy.match.empty()) {
        return std::unexpected(bad_policy("no names to match"));
    }
    return std::move(policy);
}

Result<void> take_anchors(TlsPolicy& policy, std::string_view file, bool first,
                          const TlsGround& ground) {
    auto found = ground.anchors.find(std::string(file));
    if (found == ground.anchors.end()) {
        return std::unexpected(
            bad_policy("tafile=" + printable(file) + " is not in smtp_tls_trust_anchor_directory"));
    }
    if (first) policy.anchors_pem.clear();
    policy.anchors_pem += found->second;
    return {};
}

Result<void> take_match(TlsPolicy& policy, std::string_view value, bool first) {
    bool names = wants_authorities(policy.level);
    if (!names && policy.level != TlsLevel::fingerprint)
        return std::unexpected(bad_policy("match= means nothing at this security level"));
    if (first) policy.match.clear();
    for (std::string& one : strings(words(value, names ? ":" : "|")))
        policy.match.push_back(std::move(one));
    return {};
}

Result<CipherGrade> grade_named(std::string_view name) {
    for (const auto& [known, grade] : kCipherGrades) {
        if (iequals(known, name)) return grade;
    }
    return std::unexpected(bad_policy("unknown cipher grade " + printable(name)));
}

/// One attribute of a line; `seen` has those before.
Result<void> take_attribute(Draft& draft, std::string_view name, std::string_view value,
                            const std::vector<std::string>& seen, const TlsGround& ground) {
    TlsPolicy& policy = draft.policy;
    bool first = std::ranges::find(seen, name) == seen.end();
    if (name == "match") return take_match(policy, value, first);
    if (name == "tafile") {
        if (!wants_authorities(policy.level))
            return std::unexpected(bad_policy("tafile= means nothing at this security level"));
        return take_anchors(policy, value, first, ground);
    }
    // The others stand once.
    if (!first) return std::unexpected(bad_policy(printable(name) + "= stands twice"));
    if (name == "protocols") {
        draft.protocols = value;
    } else if (name == "ciphers") {
        TRY(draft.grade, grade_named(value));
    } else if (name == "exclude") {
        for (std::string& one : strings(words(value, ":, \t")))
            draft.excluded.push_back(std::move(one));
    } else if (name == "servername") {
        policy.server_name = value;
    } else if (name == "connection_reuse") {
        if (value != "yes" && value != "no")
            return std::unexpected(bad_policy("connection_reuse= is yes or no"));
        policy.reuse = value == "yes";
    } else {
        return std::unexpected(bad_policy("unknown attribute " + printable(name)));
    }
    return {};
}

}  // namespace

std::vector<Error> TlsGround::read_anchors() {
    std::vector<Error> problems;
    for (const std::string& path : settings.anchor_files()) {
        auto text = read_file(path, kAnchorFileLimit);
        if (text) {
            default_anchors += *text + "\n";
        } else {
            problems.push_back(text.error());
        }
    }
    std::error_code none;
    std::filesystem::directory_iterator folder(shared.anchor_directory(), none);
    for (const auto& entry : folder) {
        auto text = read_file(entry.path(), kAnchorFileLimit);
        if (text) anchors[entry.path()] = *text + "\n";
    }
    for (const std::string& path : settings.anchor_files()) {
        auto text = read_file(path, kAnchorFileLimit);
        if (text) anchors[path] = *text + "\n";
    }
    return problems;
}

Result<TlsPolicy> TlsPolicy::from_settings(const TlsGround& ground) {
    return finish(of_level(ground.settings.level(), ground), ground);
}

Result<TlsPolicy> TlsPolicy::at_level(TlsLevel other, const TlsGround& ground) const {
    TRY(TlsPolicy changed, finish(of_level(other, ground), ground));
    changed.reuse = reuse;
    changed.from_map = from_map;
    if (from_map) {
        changed.server_name = server_name;
        changed.versions = versions;
        changed.ciphers = ciphers;
    }
    return changed;
}

Result<TlsPolicy> TlsPolicy::parse(std::string_view line, const TlsGround& ground) {
    auto parts = words(line);
    Draft draft;
    bool known = false;
    for (const auto& [name, level] : kTlsLevels) {
        if (parts.empty() || name.empty() || !iequals(parts[0], name)) continue;
        draft = of_level(level, ground);
        known = true;
    }
    if (!known) return std::unexpected(bad_policy("bad TLS policy \"" + printable(line) + "\""));
    draft.policy.from_map = true;
    std::vector<std::string> seen;
    for (std::size_t i = 1; i < parts.size(); ++i) {
        auto equals = parts[i].find('=');
        if (equals == std::string_view::npos)
            return std::unexpected(bad_policy("malformed attribute " + printable(parts[i])));
        std::string name = to_lower(parts[i].substr(0, equals));
        TRY_VOID(take_attribute(draft, name, parts[i].substr(equals + 1), seen, ground));
        seen.push_back(std::move(name));
    }
    return finish(std::move(draft), ground);
}

TlsClientWish TlsPolicy::wish(const Target& target, std::string_view nexthop_host) const {
    TlsClientWish wish;
    wish.sni = server_name == "hostname"  ? target.name
               : server_name == "nexthop" ? std::string(nexthop_host)
                                          : server_name;
    wish.min_protocol = versions.oldest;
    wish.max_protocol = versions.newest;
    wish.cipher_list = ciphers;
    wish.depth = depth;
    wish.wildcards_span_labels = wildcards_span_labels;
    wish.session_of = target.relay();
    using Level = TlsClientWish::Level;
    if (level == TlsLevel::dane || level == TlsLevel::dane_only) {
        wish.level = Level::dane;
        wish.tlsa = tlsa;
        wish.names = tlsa_names;
        // RFC 7672 section 8.1: the name of the TLSA records' owner.
        if (!tlsa_names.empty()) wish.sni = tlsa_names.front();
        return wish;
    }
    if (level == TlsLevel::fingerprint) {
        wish.level = Level::fingerprint;
        wish.fingerprints = match;
        wish.digest = digest;
    }
    if (!wants_authorities(level) && !sts_testing) return wish;
    if (!sts_testing) wish.level = Level::verify;
    wish.anchors_pem = anchors_pem;
    for (const std::string& name : match) {
        if (name == "hostname") {
            wish.names.push_back(target.name);
        } else if (name == "nexthop") {
            wish.names.emplace_back(nexthop_host);
        } else if (name == "dot-nexthop") {
            wish.names.push_back("." + std::string(nexthop_host));
        } else {
            wish.names.push_back(name);
        }
    }
    return wish;
}

bool has_parents(std::string_view nexthop) {
    bool plain = std::ranges::all_of(nexthop, [](char c) {
        return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || (c & 0x80);
    });
    return plain && !nexthop.empty() && !Address::from_ip(nexthop);
}

}  // namespace facteur::smtp_client
