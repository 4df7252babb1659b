#include "smtpd/tls_choice.h"

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

}  // namespace facteur::smtpd
