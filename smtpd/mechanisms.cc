#include "smtpd/mechanisms.h"

#include "lib/base/text.h"

namespace facteur::smtpd {

namespace {

enum Trait : unsigned {
    kPlaintext = 1,   ///< the password can be read on the wire
    kActive = 2,      ///< somebody in the middle can act for the client
    kDictionary = 4,  ///< what is on the wire lets passwords be guessed
    kAnonymous = 8,
    kForwardSecret = 16,
    kMutual = 32,  ///< the server proves itself too
};

struct Mechanism {
    std::string_view name;
    unsigned traits;
};
constexpr Mechanism kMechanisms[] = {
    {"PLAIN", kPlaintext | kActive | kDictionary},
    {"LOGIN", kPlaintext | kActive | kDictionary},
    {"OAUTHBEARER", kPlaintext | kActive},
    {"XOAUTH2", kPlaintext | kActive},
    {"ANONYMOUS", kPlaintext | kActive | kAnonymous},
    {"CRAM-MD5", kActive | kDictionary},
    {"DIGEST-MD5", kDictionary | kMutual},
    {"SCRAM-SHA-1", kDictionary | kMutual},
    {"SCRAM-SHA-1-PLUS", kDictionary | kMutual},
    {"SCRAM-SHA-256", kDictionary | kMutual},
    {"SCRAM-SHA-256-PLUS", kDictionary | kMutual},
    {"EXTERNAL", 0},
    {"GSSAPI", kMutual},
};

struct Option {
    std::string_view name;
    unsigned trait;
    bool demanded;  ///< else it is forbidden
};
constexpr Option kOptions[] = {
    {"noplaintext", kPlaintext, false},        {"noactive", kActive, false},
    {"nodictionary", kDictionary, false},      {"noanonymous", kAnonymous, false},
    {"forward_secrecy", kForwardSecret, true}, {"mutual_auth", kMutual, true},
};

}  // namespace

bool is_secure_enough(std::string_view mechanism, const std::vector<std::string>& options) {
    unsigned traits = 0;
    for (const Mechanism& known : kMechanisms) {
        if (iequals(known.name, mechanism)) traits = known.traits;
    }
    for (const std::string& word : options) {
        for (const Option& option : kOptions) {
            if (!iequals(option.name, word)) continue;
            if (((traits & option.trait) != 0) != option.demanded) return false;
        }
    }
    return true;
}

std::string unknown_security_option(const std::vector<std::string>& options) {
    for (const std::string& word : options) {
        bool known = false;
        for (const Option& option : kOptions)
            known = known || iequals(option.name, word);
        // A default that no main.cf has expanded yet is right by itself.
        if (!known && !word.starts_with('$')) return word;
    }
    return {};
}

Task<bool> passes_filter(Backend& backend, std::vector<std::string> patterns,
                         std::string mechanism) {
    for (const std::string& pattern : patterns) {
        std::string_view body(pattern);
        const bool excludes = body.starts_with('!');
        if (excludes) body.remove_prefix(1);
        bool matches = iequals(body, mechanism) || body.starts_with("static:");
        if (!matches && body.find(':') != std::string_view::npos) {
            ipc::Lookup question;
            question.tables.emplace_back(body);
            question.key = to_lower(mechanism);
            auto found = co_await backend.lookup(std::move(question));
            // A table that fails offers nothing.
            if (!found) co_return false;
            matches = found->has_value();
        }
        if (matches) co_return !excludes;
    }
    co_return false;
}

}  // namespace facteur::smtpd
