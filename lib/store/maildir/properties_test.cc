#include "lib/store/maildir/properties.h"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <unistd.h>

using namespace facteur;
using namespace facteur::store;
using namespace facteur::store::maildir;

namespace {

struct PropertyDir {
    std::string path;
    PropertyDir() {
        char text[] = "/tmp/properties-XXXXXX";
        path = ::mkdtemp(text);
    }
    ~PropertyDir() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("properties keep any value, and every cut of their file is noticed", "[store]") {
    Properties all{{"/private/comment", std::string("a\0\n\tb", 5)}, {"/shared/x", ""}};
    std::string text = format_properties(all);
    CHECK(parse_properties(text) == all);
    for (std::size_t n = 0; n < text.size(); ++n) {
        auto cut = parse_properties(text.substr(0, n));
        CHECK((!cut || cut->size() < 2));
    }
}

TEST_CASE("properties are changed all together or not at all", "[store]") {
    PropertyDir dir;
    PropertyFile file;
    file.most = 2;
    REQUIRE(change_properties(dir.path, {{"/private/a", "1"}, {"/private/b", "2"}}, file));
    auto full = change_properties(
        dir.path, {{"/private/a", {}}, {"/private/c", "3"}, {"/private/d", "4"}}, file);
    REQUIRE_FALSE(full);
    CHECK(full.error().status == "5.2.2");
    REQUIRE(change_properties(dir.path, {{"/private/a", {}}}, file));
    CHECK(*read_properties(dir.path) == Properties{{"/private/b", "2"}});
    CHECK_FALSE(change_properties(dir.path, {{"a\tb", "x"}}, file));
    std::ofstream(dir.path + "/" + kFolderProperties) << "something else\n";
    CHECK_FALSE(read_properties(dir.path));
    CHECK_FALSE(change_properties(dir.path, {{"/private/a", "1"}}, file));
}

TEST_CASE("a folder's id moves with it and is nobody else's [RFC 8474 4.1]", "[store]") {
    PropertyDir dir;
    std::string one = dir.path + "/.one";
    std::string two = dir.path + "/.two";
    std::filesystem::create_directory(one);
    std::filesystem::create_directory(two);
    std::string id = *folder_id(one, 0600);
    CHECK(*folder_id(one, 0600) == id);
    CHECK(*folder_id(two, 0600) != id);
    std::filesystem::rename(one, dir.path + "/.three");
    CHECK(*folder_id(dir.path + "/.three", 0600) == id);
}
