#include "lib/store/maildir/takeover.h"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <stdlib.h>

#include "lib/store/maildir/tree.h"

namespace facteur::store::maildir {
namespace {

namespace fs = std::filesystem;

/// A Maildir, and files in it that are there and cannot be read: directories of that name.
class Fixture {
public:
    Fixture() {
        char pattern[] = "/tmp/facteur-takeover-XXXXXX";
        root = ::mkdtemp(pattern);
        for (const char* sub : {"/cur", "/new", "/tmp"})
            fs::create_directory(root + sub);
    }
    ~Fixture() { fs::remove_all(root); }
    void put(const std::string& name, const std::string& text) const {
        std::ofstream(root + "/" + name, std::ios::binary) << text;
    }
    void make_unreadable(const std::string& name) const {
        fs::create_directories(root + "/" + name);
    }

    std::string root;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "what another server left is taken over", "[store]") {
    auto nothing = read_legacy(root);
    REQUIRE(nothing);
    CHECK(nothing->uid_validity == 0);
    put("dovecot-uidlist", "3 V1700000000 N8\n7 :1.host\n");
    auto legacy = read_legacy(root);
    REQUIRE(legacy);
    CHECK(legacy->uid_validity == 1700000000);
    CHECK(legacy->next_uid == 8);
    CHECK(legacy->uids.at("1.host") == 7);
}

TEST_CASE_METHOD(Fixture, "a list that cannot be read is not taken for none", "[store]") {
    std::string name =
        GENERATE("dovecot-uidlist", "courierimapuiddb", "dovecot-keywords", "courierimapkeywords");
    make_unreadable(name == "courierimapkeywords" ? name + "/:list" : name);
    auto legacy = read_legacy(root);
    REQUIRE_FALSE(legacy);
    CHECK(legacy.error().is_temporary());
    fs::remove_all(root + "/" + name);
    CHECK(read_legacy(root));
}

TEST_CASE_METHOD(Fixture, "subscriptions that cannot be read are not written anew", "[store]") {
    make_unreadable("subscriptions");
    Tree tree(root, Options());
    CHECK_FALSE(tree.list());
    CHECK_FALSE(tree.subscribe("Work", true));
    fs::remove(root + "/subscriptions");
    CHECK(tree.subscribe("Work", true));
    auto found = tree.list();
    REQUIRE(found);
    CHECK(found->back().name == "Work");
}

}  // namespace facteur::store::maildir
