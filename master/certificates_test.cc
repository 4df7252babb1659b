#include "master/certificates.h"

#include <cstdlib>
#include <fstream>

#include <catch2/catch.hpp>

#include "master/settings.h"

using namespace facteur;
using namespace facteur::master;

TEST_CASE("files that TLS parameters name are watched", "[master]") {
    Settings settings;
    conf::load_text(
        settings,
        "base = /etc/x\nsmtpd_tls_cert_file = $base/cert.pem\n"
        "imapd_tls_chain_files = /a.pem, /b.pem\nsmtpd_tls_CAfile =\nother_file = /c\n");
    CHECK(settings.certificate_files ==
          std::set<std::string>{"/a.pem", "/b.pem", "/etc/x/cert.pem"});
}

TEST_CASE("a change counts once it is over", "[master]") {
    char name[] = "/tmp/facteur-certificates-XXXXXX";
    const std::string path = std::string(::mkdtemp(name)) + "/cert.pem";
    const auto write = [&](const std::string& text) { std::ofstream(path) << text; };
    write("one");
    WatchedFiles files;
    files.watch({path, path + ".missing"});
    CHECK_FALSE(files.changed());
    write("longer");
    CHECK_FALSE(files.changed());
    write("longer still");
    CHECK_FALSE(files.changed());
    CHECK(files.changed());
    files.watch({path});
    CHECK_FALSE(files.changed());
    [[maybe_unused]] int ignored = std::system(("rm -r " + std::string(name)).c_str());
}
