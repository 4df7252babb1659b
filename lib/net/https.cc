#include "lib/net/https.h"

#include <memory>

#include <curl/curl.h>
#include <fmt/format.h>

#include "lib/base/text.h"

namespace facteur {
namespace {

struct FreeHandle {
    void operator()(CURL* handle) const { ::curl_easy_cleanup(handle); }
};
struct FreeList {
    void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};

struct Body {
    std::string text;
    std::size_t limit;
    bool too_long = false;
};

std::size_t on_bytes(char* bytes, std::size_t, std::size_t size, void* target) {
    auto& body = *static_cast<Body*>(target);
    if (body.text.size() + size > body.limit) {
        body.too_long = true;
        return 0;
    }
    body.text.append(bytes, size);
    return size;
}

/// "host:443:192.0.2.1,[2001:db8::1]": curl then needs no resolver.
std::string known_addresses(const HttpsQuestion& question) {
    std::string entry = fmt::format("{}:{}:", question.host, question.port);
    for (std::size_t i = 0; i < question.addresses.size(); ++i) {
        const Address& address = question.addresses[i];
        bool ipv6 = address.family() == Address::Family::ipv6;
        entry += fmt::format("{}{}", i ? "," : "", ipv6 ? "[" + address.ip() + "]" : address.ip());
    }
    return entry;
}

void prepare(CURL* curl, const HttpsQuestion& question, Body& body, char* error) {
    std::string url = fmt::format("https://{}:{}{}", question.host, question.port, question.path);
    ::curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    ::curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    ::curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    ::curl_easy_setopt(curl, CURLOPT_PROXY, "");
    ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    ::curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(question.timeout.count()));
    ::curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    ::curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    ::curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_blob authorities{};
    authorities.data = const_cast<char*>(question.ca_pem.data());  // NOLINT: curl copies it
    authorities.len = question.ca_pem.size();
    authorities.flags = CURL_BLOB_COPY;
    ::curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &authorities);
    ::curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
    ::curl_easy_setopt(curl, CURLOPT_USERAGENT, "Facteur");
    ::curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, nullptr);
    ::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    ::curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
}

bool is_about_trust(CURLcode code) {
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
           code == CURLE_SSL_ISSUER_ERROR || code == CURLE_SSL_CERTPROBLEM;
}

}  // namespace

Result<HttpsPage> https_exchange(const HttpsQuestion& question) {
    static const CURLcode kReady = ::curl_global_init(CURL_GLOBAL_DEFAULT);
    std::unique_ptr<CURL, FreeHandle> curl(::curl_easy_init());
    if (kReady != CURLE_OK || !curl) return temporary("cannot start libcurl");
    Body body{{}, question.limit};
    char error[CURL_ERROR_SIZE] = "";
    prepare(curl.get(), question, body, error);
    std::unique_ptr<curl_slist, FreeList> hosts(
        ::curl_slist_append(nullptr, known_addresses(question).c_str()));
    ::curl_easy_setopt(curl.get(), CURLOPT_RESOLVE, hosts.get());
    std::unique_ptr<curl_slist, FreeList> fields;
    if (!question.posted_type.empty()) {
        fields.reset(
            ::curl_slist_append(nullptr, ("Content-Type: " + question.posted_type).c_str()));
        ::curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, fields.get());
        ::curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                           static_cast<curl_off_t>(question.posted.size()));
        ::curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, question.posted.c_str());
    }
    CURLcode code = ::curl_easy_perform(curl.get());
    if (body.too_long) return permanent("the page is too long", "too-long");
    if (code != CURLE_OK) {
        std::string text = error[0] ? error : ::curl_easy_strerror(code);
        return temporary(printable(text, 200), is_about_trust(code) ? "certificate" : "4.4.2");
    }
    HttpsPage page;
    ::curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &page.status);
    char* type = nullptr;
    ::curl_easy_getinfo(curl.get(), CURLINFO_CONTENT_TYPE, &type);
    if (type) page.type = type;
    page.body = std::move(body.text);
    return page;
}

}  // namespace facteur
