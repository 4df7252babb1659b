// ldap: through libldap.
#include <cstdlib>
#include <cstring>

#include <ldap.h>
#include <sasl/sasl.h>

#include "lib/table/module.h"

namespace {

using namespace facteur;
using namespace facteur::table;

struct SearchResult {
    SearchResult() = default;
    ~SearchResult() {
        if (handle) ldap_msgfree(handle);
    }
    SearchResult(const SearchResult&) = delete;
    SearchResult& operator=(const SearchResult&) = delete;
    LDAPMessage* handle = nullptr;
};

int scope_of(const std::string& name) {
    if (name == "base") return LDAP_SCOPE_BASE;
    return name == "one" ? LDAP_SCOPE_ONELEVEL : LDAP_SCOPE_SUBTREE;
}

std::vector<std::string> texts(LDAP* ld, LDAPMessage* entry, const char* attribute) {
    std::vector<std::string> found;
    berval** values = ldap_get_values_len(ld, entry, attribute);
    for (int i = 0; values && values[i]; ++i)
        found.emplace_back(values[i]->bv_val, values[i]->bv_len);
    ldap_value_free_len(values);
    return found;
}

/// What a SASL mechanism asks for.
struct Credentials {
    std::string user, password, realm, authorize;
};

int answer_sasl(LDAP*, unsigned, void* defaults, void* questions) {
    const auto* known = static_cast<const Credentials*>(defaults);
    for (auto* each = static_cast<sasl_interact_t*>(questions); each->id != SASL_CB_LIST_END;
         ++each) {
        const std::string* value = nullptr;
        if (each->id == SASL_CB_AUTHNAME) value = &known->user;
        if (each->id == SASL_CB_PASS) value = &known->password;
        if (each->id == SASL_CB_GETREALM) value = &known->realm;
        if (each->id == SASL_CB_USER) value = &known->authorize;
        each->result = value ? value->c_str() : "";
        each->len = value ? static_cast<unsigned>(value->size()) : 0;
    }
    return LDAP_SUCCESS;
}

class LdapDirectory : public Directory {
public:
    ~LdapDirectory() override {
        if (ld_) ldap_unbind_ext_s(ld_, nullptr, nullptr);
    }
    Result<void> open(const Place& place, const ModuleOptions& options);
    Result<std::vector<DirectoryEntry>> search(const DirectorySearch& wish) override;
    std::optional<DirectoryUrl> parse_url(const std::string& text) override;

private:
    Result<void> set_options(const Place& place, const ModuleOptions& options);
    Result<void> set_tls(const ModuleOptions& options);
    Result<void> bind(const ModuleOptions& options);
    Result<void> bind_simple(const std::string& dn, const std::string& password);
    std::unexpected<Error> failure(const std::string& what, int code) const {
        const std::string text = what + ": " + ldap_err2string(code);
        // A server that does not answer may be replaced by the next one; what it refuses stays.
        const bool gone = code == LDAP_SERVER_DOWN || code == LDAP_TIMEOUT ||
                          code == LDAP_TIMELIMIT_EXCEEDED || code == LDAP_CONNECT_ERROR ||
                          code == LDAP_BUSY || code == LDAP_UNAVAILABLE;
        return gone ? temporary(text) : permanent(text);
    }

    LDAP* ld_ = nullptr;
    timeval timeout_{10, 0};
};

bool says_yes(const std::string& text) {
    return text == "yes" || text == "true" || text == "1";
}

Result<void> LdapDirectory::set_tls(const ModuleOptions& options) {
    struct File {
        const char* name;
        int option;
    };
    constexpr File kFiles[] = {{"tls_ca_cert_dir", LDAP_OPT_X_TLS_CACERTDIR},
                               {"tls_ca_cert_file", LDAP_OPT_X_TLS_CACERTFILE},
                               {"tls_cert", LDAP_OPT_X_TLS_CERTFILE},
                               {"tls_key", LDAP_OPT_X_TLS_KEYFILE},
                               {"tls_cipher_suite", LDAP_OPT_X_TLS_CIPHER_SUITE}};
    for (const File& file : kFiles) {
        const std::string value = option(options, file.name);
        if (!value.empty() && ldap_set_option(ld_, file.option, value.c_str()) != LDAP_SUCCESS)
            return permanent(std::string(file.name) + " cannot be used");
    }
    const std::string require = option(options, "tls_require_cert");
    if (!require.empty()) {
        int level = LDAP_OPT_X_TLS_NEVER;
        if (require == "yes" || require == "demand" || require == "hard")
            level = LDAP_OPT_X_TLS_DEMAND;
        else if (require == "try")
            level = LDAP_OPT_X_TLS_TRY;
        else if (require == "allow")
            level = LDAP_OPT_X_TLS_ALLOW;
        ldap_set_option(ld_, LDAP_OPT_X_TLS_REQUIRE_CERT, &level);
    }
    int client = 0;
    if (ldap_set_option(ld_, LDAP_OPT_X_TLS_NEWCTX, &client) != LDAP_SUCCESS)
        return permanent("the TLS files cannot be used");
    return {};
}

Result<void> LdapDirectory::set_options(const Place& place, const ModuleOptions& options) {
    timeout_.tv_sec = place.timeout;
    ldap_set_option(ld_, LDAP_OPT_NETWORK_TIMEOUT, &timeout_);
    ldap_set_option(ld_, LDAP_OPT_TIMEOUT, &timeout_);
    const std::string version = option(options, "version");
    int number = version.empty() ? LDAP_VERSION3 : std::atoi(version.c_str());
    ldap_set_option(ld_, LDAP_OPT_PROTOCOL_VERSION, &number);
    int dereference = std::atoi(option(options, "dereference").c_str());
    ldap_set_option(ld_, LDAP_OPT_DEREF, &dereference);
    const bool chase = says_yes(option(options, "chase_referrals"));
    ldap_set_option(ld_, LDAP_OPT_REFERRALS, chase ? LDAP_OPT_ON : LDAP_OPT_OFF);
    int debug = std::atoi(option(options, "debuglevel").c_str());
    if (debug != 0) ldap_set_option(nullptr, LDAP_OPT_DEBUG_LEVEL, &debug);
    return {};
}

Result<void> LdapDirectory::bind_simple(const std::string& dn, const std::string& password) {
    berval secret{password.size(), const_cast<char*>(password.c_str())};
    int id = 0;
    int code = ldap_sasl_bind(ld_, dn.c_str(), LDAP_SASL_SIMPLE, &secret, nullptr, nullptr, &id);
    SearchResult answer;
    if (code == LDAP_SUCCESS && ldap_result(ld_, id, LDAP_MSG_ALL, &timeout_, &answer.handle) <= 0)
        code = LDAP_TIMEOUT;
    if (code == LDAP_SUCCESS) {
        int result = 0;
        code =
            ldap_parse_result(ld_, answer.handle, &result, nullptr, nullptr, nullptr, nullptr, 0);
        if (code == LDAP_SUCCESS) code = result;
    }
    if (code == LDAP_SUCCESS) return {};
    return temporary("bind as " + dn + ": " + ldap_err2string(code));
}

Result<void> LdapDirectory::bind(const ModuleOptions& options) {
    std::string how = option(options, "bind");
    for (char& c : how)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (how == "no" || how == "none" || how == "false" || how == "0") return {};
    const std::string dn = option(options, "bind_dn");
    const std::string password = option(options, "bind_pw");
    if (how != "sasl") return bind_simple(dn, password);
    const std::string strength = option(options, "sasl_minssf");
    const std::string properties = "minssf=" + (strength.empty() ? std::string("0") : strength);
    ldap_set_option(ld_, LDAP_OPT_X_SASL_SECPROPS, properties.c_str());
    const std::string mechanisms = option(options, "sasl_mechs");
    Credentials known{dn, password, option(options, "sasl_realm"),
                      option(options, "sasl_authz_id")};
    const int code = ldap_sasl_interactive_bind_s(
        ld_, dn.empty() ? nullptr : dn.c_str(), mechanisms.empty() ? nullptr : mechanisms.c_str(),
        nullptr, nullptr, LDAP_SASL_QUIET, &answer_sasl, &known);
    if (code == LDAP_SUCCESS) return {};
    return temporary(std::string("SASL bind: ") + ldap_err2string(code));
}

Result<void> LdapDirectory::open(const Place& place, const ModuleOptions& options) {
    if (ldap_initialize(&ld_, place.host.c_str()) != LDAP_SUCCESS)
        return permanent("server_host " + place.host + " is no LDAP URL");
    if (auto set = set_options(place, options); !set) return set;
    const bool start_tls = says_yes(option(options, "start_tls"));
    if (start_tls || place.host.starts_with("ldaps:")) {
        if (auto set = set_tls(options); !set) return set;
    }
    if (start_tls) {
        const int code = ldap_start_tls_s(ld_, nullptr, nullptr);
        if (code != LDAP_SUCCESS)
            return temporary(place.host + ": STARTTLS: " + ldap_err2string(code));
    }
    auto bound = bind(options);
    if (!bound) return temporary(place.host + ": " + bound.error().text);
    return {};
}

Result<std::vector<DirectoryEntry>> LdapDirectory::search(const DirectorySearch& wish) {
    std::vector<char*> attributes;
    for (const std::string& name : wish.attributes)
        attributes.push_back(const_cast<char*>(name.c_str()));
    attributes.push_back(nullptr);
    SearchResult found;
    // One more than the limit, to see that there are more.
    const int limit = wish.size_limit > 0 ? wish.size_limit + 1 : LDAP_NO_LIMIT;
    timeval time = timeout_;
    const int code =
        ldap_search_ext_s(ld_, wish.base.c_str(), scope_of(wish.scope),
                          wish.filter.empty() ? "(objectClass=*)" : wish.filter.c_str(),
                          attributes.data(), 0, nullptr, nullptr, &time, limit, &found.handle);
    std::vector<DirectoryEntry> entries;
    if (code == LDAP_NO_SUCH_OBJECT) return entries;
    if (code != LDAP_SUCCESS) return failure("search", code);
    for (LDAPMessage* each = ldap_first_entry(ld_, found.handle); each;
         each = ldap_next_entry(ld_, each)) {
        DirectoryEntry entry;
        if (char* dn = ldap_get_dn(ld_, each)) {
            entry.dn = dn;
            ldap_memfree(dn);
        }
        BerElement* place = nullptr;
        for (char* name = ldap_first_attribute(ld_, each, &place); name;
             name = ldap_next_attribute(ld_, each, place)) {
            entry.attributes.emplace_back(name, texts(ld_, each, name));
            ldap_memfree(name);
        }
        if (place) ber_free(place, 0);
        entries.push_back(std::move(entry));
    }
    return entries;
}

std::optional<DirectoryUrl> LdapDirectory::parse_url(const std::string& text) {
    if (!ldap_is_ldap_url(text.c_str())) return std::nullopt;
    LDAPURLDesc* parsed = nullptr;
    if (ldap_url_parse(text.c_str(), &parsed) != LDAP_URL_SUCCESS) return std::nullopt;
    DirectoryUrl url;
    url.search.base = parsed->lud_dn ? parsed->lud_dn : "";
    url.search.filter = parsed->lud_filter ? parsed->lud_filter : "";
    url.search.scope = parsed->lud_scope == LDAP_SCOPE_ONELEVEL  ? "one"
                       : parsed->lud_scope == LDAP_SCOPE_SUBTREE ? "sub"
                                                                 : "base";
    for (int i = 0; parsed->lud_attrs && parsed->lud_attrs[i]; ++i)
        url.search.attributes.emplace_back(parsed->lud_attrs[i]);
    url.names_attributes = !url.search.attributes.empty();
    ldap_free_urldesc(parsed);
    return url;
}

Result<std::unique_ptr<Directory>> connect_ldap(const Place& place, const ModuleOptions& options) {
    auto directory = std::make_unique<LdapDirectory>();
    if (auto opened = directory->open(place, options); !opened)
        return std::unexpected(std::move(opened).error());
    return directory;
}

}  // namespace

extern "C" {
extern const Module facteur_table_module __attribute__((visibility("default")));
const Module facteur_table_module{
    Module::kVersion,
    "bind bind_dn bind_pw sasl_mechs sasl_realm sasl_authz_id sasl_minssf version dereference "
    "chase_referrals debuglevel start_tls tls_ca_cert_dir tls_ca_cert_file tls_cert tls_key "
    "tls_require_cert tls_cipher_suite",
    nullptr, &connect_ldap};
}
