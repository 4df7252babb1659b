#include "smtpd/tls_choice.h"

#include <cstdlib>
#include <filesystem>

#include <openssl/ssl.h>

#include "lib/base/log.h"
#include "lib/base/read_file.h"
#include "lib/base/text.h"
#include "smtpd/settings.h"

namespace facteur::smtpd {

std::string cipher_list(const TlsSettings& settings) {
    const bool demanded = settings.level() == TlsLevel::encrypt;
    const CipherGrade grade = demanded ? settings.mandatory_grade() : settings.grade();
    std::string list =
        grade == CipherGrade::high ? settings.high_ciphers() : settings.medium_ciphers();
    std::vector<std::string> excluded = settings.exclude_ciphers();
    if (demanded) {
        for (const std::string& name : settings.mandatory_exclude_ciphers())
            excluded.push_back(name);
    }
    // OpenSSL takes nothing away from a list that was not given.
    if (list.empty() && !excluded.empty()) list = "DEFAULT";
    for (const std::string& name : excluded)
        list.append(":!").append(name);
    return list;
}

std::string curves(const TlsSettings& settings) {
    const std::string& grade = settings.eecdh_grade();
    if (grade == "auto") return join(settings.auto_curves(), ":");
    if (grade == "strong") return settings.strong_curve();
    if (grade == "ultra") return settings.ultra_curve();
    return {};
}

Result<std::uint64_t> ssl_options(const std::vector<std::string>& words) {
    struct Known {
        std::string_view name;
        std::uint64_t bits;
    };
    // postconf(5) has these, and "_" for "-"; a number is taken as it is.
    static constexpr Known kKnown[] = {
        {"ENABLE_KTLS", SSL_OP_ENABLE_KTLS},
        {"LEGACY_SERVER_CONNECT", SSL_OP_LEGACY_SERVER_CONNECT},
        {"NO_COMPRESSION", SSL_OP_NO_COMPRESSION},
        {"NO_ENCRYPT_THEN_MAC", SSL_OP_NO_ENCRYPT_THEN_MAC},
        {"NO_RENEGOTIATION", SSL_OP_NO_RENEGOTIATION},
        {"NO_SESSION_RESUMPTION_ON_RENEGOTIATION", SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION},
        {"NO_TICKET", SSL_OP_NO_TICKET},
        {"PRIORITIZE_CHACHA", SSL_OP_PRIORITIZE_CHACHA},
        {"TLSEXT_PADDING", SSL_OP_TLSEXT_PADDING},
        {"CRYPTOPRO_TLSEXT_BUG", SSL_OP_CRYPTOPRO_TLSEXT_BUG},
        {"DONT_INSERT_EMPTY_FRAGMENTS", SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS},
    };
    std::uint64_t all = 0;
    for (const std::string& word : words) {
        std::uint64_t bits = 0;
        for (const Known& known : kKnown) {
            if (iequals(known.name, word)) bits = known.bits;
        }
        if (bits == 0 && istarts_with(word, "0x")) bits = std::strtoull(word.c_str(), nullptr, 16);
        if (bits == 0)
            return permanent("\"" + printable(word, 64) +
                             "\" is no option of OpenSSL that is known");
        all |= bits;
    }
    return all;
}

std::string client_authorities(const TlsSettings& settings) {
    std::vector<std::string> files;
    if (!settings.ca_file().empty()) files.push_back(settings.ca_file());
    std::error_code error;
    if (!settings.ca_path().empty()) {
        for (const auto& entry : std::filesystem::directory_iterator(settings.ca_path(), error))
            files.push_back(entry.path().string());
    }
    if (error) log_warning("smtpd_tls_CApath: " + settings.ca_path() + ": " + error.message());
    std::string all;
    for (const std::string& file : files) {
        auto text = read_file(file);
        if (!text) log_warning("client certificates: " + text.error().text);
        if (text) all.append(*text).append("\n");
    }
    return all;
}

}  // namespace facteur::smtpd
