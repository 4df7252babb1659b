#include "lib/config/family.h"

#include <catch2/catch.hpp>

using namespace facteur::conf;

namespace {

Family lmtp() {
    Family family{"smtp_", "lmtp_", "lmtp", {}};
    family.renamed = {{"lmtp_lhlo_name", "smtp_helo_name"}};
    return family;
}

std::string value(const MainCf& main_cf, std::string_view name) {
    const Setting* setting = main_cf.find(name);
    return setting ? setting->value : std::string("none");
}

}  // namespace

TEST_CASE("a service is of the other family by its name or by a word", "[config]") {
    CHECK(lmtp().serves("lmtp", {}));
    CHECK(lmtp().serves("cyrus", {"lmtp"}));
    CHECK_FALSE(lmtp().serves("smtp", {}));
}

TEST_CASE("lmtp_X is read for smtp_X, and smtp_X of main.cf is not", "[config]") {
    MainCf main_cf = MainCf::parse(
        "smtp_tls_security_level = dane\n"
        "smtp_connect_timeout = 5s\n"
        "smtp_tls_CAfile = /ca\n"
        "lmtp_tls_CAfile = $smtp_tls_CAfile\n"
        "lmtp_connect_timeout = 7s\n"
        "lmtp_lhlo_name = me.test\n"
        "myhostname = mx.test\n",
        "main.cf");
    main_cf.override_with("smtp_connect_timeout", "9s", "master.cf: -o");
    const MainCf seen = lmtp().translate(main_cf);
    CHECK(value(seen, "smtp_tls_security_level") == "none");
    CHECK(value(seen, "smtp_connect_timeout") == "9s");
    CHECK(value(seen, "smtp_helo_name") == "me.test");
    CHECK(value(seen, "smtp_tls_CAfile") == "$main_cf_smtp_tls_CAfile");
    CHECK(value(seen, "main_cf_smtp_tls_CAfile") == "/ca");
    CHECK(value(seen, "myhostname") == "mx.test");
}

TEST_CASE("-o lmtp_X on a service counts, too", "[config]") {
    MainCf main_cf = MainCf::parse("lmtp_connect_timeout = 7s\n", "main.cf");
    main_cf.override_with("lmtp_connect_timeout", "3s", "master.cf: -o");
    CHECK(value(lmtp().translate(main_cf), "smtp_connect_timeout") == "3s");
}

TEST_CASE("the other names are listed, but for those that are declared", "[config]") {
    const std::string rows = lmtp().parameter_table(
        "smtp_helo_name\tstring\t\t$myhostname\t\tThe name.\t\n"
        "smtp_port\tstring\t\t25\t\tThe port.\t\n"
        "lmtp_port\tstring\t\t24\t\tThe port.\t\n"
        "myhostname\tstring\t\tx\t\tThe host.\t\n");
    CHECK(rows ==
          "lmtp_lhlo_name\tstring\t\t$myhostname\t\tThe same as smtp_helo_name, for LMTP.\t\n");
}
