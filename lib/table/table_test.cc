#include <cstdlib>
#include <fstream>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/event/worker.h"
#include "lib/table/make.h"
#include "lib/table/maps.h"
#include "lib/table/match_list.h"
#include "lib/table/rules.h"

using namespace facteur;
using namespace facteur::table;

namespace {

/// A folder of its own for the files of a test.
class Folder {
public:
    Folder() {
        char name[] = "/tmp/facteur-table-XXXXXX";
        path_ = mkdtemp(name);
    }
    ~Folder() { [[maybe_unused]] int status = std::system(("rm -rf " + path_).c_str()); }
    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(path_ + "/" + name) << text;
        return path_ + "/" + name;
    }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

struct Fixture {
    Loop loop;
    Scope scope;
    WorkerPool workers{2};
    Folder folder;
    Tables tables{Surroundings{&scope, &workers, nullptr}};

    template <class T>
    static Task<void> store(Task<T> task, std::optional<T>& result) {
        result.emplace(co_await task);
    }
    template <class T>
    T wait(Task<T> task) {
        std::optional<T> result;
        scope.spawn(store(std::move(task), result));
        loop.run_until([&] { return result.has_value(); });
        return *std::move(result);
    }
    std::string ask(const std::string& table, const std::string& key) {
        Found found = wait(tables.get(table).lookup(key));
        if (!found) return "error: " + found.error().text;
        return found->value_or("nothing");
    }
};

std::string texts(const std::vector<Key>& keys) {
    std::string all;
    for (const Key& key : keys)
        all += (all.empty() ? "" : " ") + key.text;
    return all;
}

}  // namespace

TEST_CASE_METHOD(Fixture, "texthash and inline tables find keys in any case", "[table]") {
    const std::string path = folder.write("map",
                                          "# comment\nAlice@Example.COM  alice\n"
                                          "\"two words\"\tvalue with spaces\n  continued\n"
                                          "broken\nalice@example.com second\n");
    CHECK(ask("texthash:" + path, "alice@example.com") == "alice");
    CHECK(ask("texthash:" + path, "ALICE@example.com") == "alice");
    CHECK(ask("texthash:" + path, "two words") == "value with spaces  continued");
    CHECK(ask("texthash:" + path, "broken") == "nothing");
    const std::string aliases = folder.write("aliases", "Root: alice,bob\n");
    CHECK(ask("aliases:" + aliases, "root") == "alice, bob");
    CHECK(ask("inline:{ a=b, { c = d, e } }", "C") == "d, e");
    CHECK(ask("static:all", "x") == "all");
    CHECK(ask("static:{ a b }", "x") == "a b");
    CHECK(ask("proxy:inline:{a=b}", "a") == "b");
    CHECK(ask("unionmap:{static:one,inline:{k=two}}", "k") == "one,two");
    CHECK(ask("pipemap:{inline:{a=b},inline:{b=c}}", "a") == "c");
    CHECK(ask("pipemap:{inline:{a=b},inline:{b=c}}", "b") == "nothing");
    CHECK(ask("unix:passwd.byname", "root").starts_with("root:x:0:0:"));
    CHECK(ask("unix:passwd.byname", "no-such-user") == "nothing");
}

TEST_CASE_METHOD(Fixture, "a table that cannot be asked fails temporarily", "[table]") {
    for (std::string name : {"texthash:/nowhere/map", "hash:/nowhere/map", "lmdb:/nowhere/map",
                             "fail:x", "nonsense:x", "plain", "inline:{a}", "unionmap:x"}) {
        INFO(name);
        Found found = wait(tables.get(name).lookup("key"));
        REQUIRE_FALSE(found);
        CHECK(found.error().is_temporary());
        CHECK(found.error().text.find(name) != std::string::npos);
    }
}

TEST_CASE_METHOD(Fixture, "databases that we make are read back", "[table]") {
    auto [type, format] = GENERATE(Catch::Generators::table<std::string, Format>(
        {{"hash", Format::hash}, {"btree", Format::btree}, {"lmdb", Format::lmdb}}));
    const std::string name = folder / "users";
    std::vector<Entry> entries = {
        {"Bob", "bob@example.com", 1}, {"bob", "twice", 2}, {"eve", "e", 3}};
    MakeWishes aliases;
    aliases.aliases = true;
    auto made = make_database(format, name, entries, aliases);
    REQUIRE(made);
    CHECK(made->entries == 2);
    CHECK(made->duplicates == std::vector<std::string>{"bob"});
    const std::string table = type + ":" + name;
    CHECK(ask(table, "BOB") == "bob@example.com");
    CHECK(ask(table, "@") == "@");
    CHECK(ask(table, "nobody") == "nothing");

    REQUIRE(make_database(format, name, {{"bob", "changed", 1}}));
    CHECK(ask(table, "bob") == "changed");  // the replaced file is noticed
    CHECK(ask(table, "eve") == "nothing");

    MakeWishes more;
    more.incremental = true;
    REQUIRE(make_database(format, name, {{"new", "n", 0}, {"bob", "ignored", 0}}, more));
    CHECK(*DatabaseTable("t:x", format, database_path(format, name), nullptr).find("bob") ==
          "changed");
    CHECK(remove_from_database(format, name, {"bob", "zed"}) == 1u);
    CHECK(ask(table, "bob") == "nothing");
    CHECK(ask(table, "new") == "n");
    CHECK(list_database(format, name)->size() == 1);
}

TEST_CASE_METHOD(Fixture, "a damaged database fails temporarily", "[table]") {
    folder.write("map.db", std::string(5000, 'x'));
    folder.write("map.lmdb", std::string(5000, 'x'));
    for (std::string type : {"hash:", "btree:", "lmdb:"}) {
        Found found = wait(tables.get(type + (folder / "map")).lookup("key"));
        REQUIRE_FALSE(found);
        CHECK(found.error().is_temporary());
    }
}

TEST_CASE_METHOD(Fixture, "regexp and pcre tables follow their manuals", "[table]") {
    const std::string type = GENERATE("regexp", "pcre");
    const std::string path = folder.write("rules",
                                          "# comment\n"
                                          "/^owner-(.*)@(example\\.(com|org))$/ $1-${2}/$(3) $$5\n"
                                          "!/@/ no-at-sign\n"
                                          "if /^list/\n"
                                          "if !/x/\n"
                                          "/^list-a/  inner\n"
                                          "endif\n"
                                          "/^LIST/    outer\n"
                                          "endif\n"
                                          "/^Case/i   sensitive\n"
                                          "|a/b|      other delimiter\n"
                                          "/(broken/  never\n"
                                          "/x/        $7\n"
                                          "/a\\/c/    escaped\n");
    const std::string name = type + ":" + path;
    CHECK(ask(name, "Owner-Foo@example.com") == "Foo-example.com/com $5");
    CHECK(ask(name, "nobody") == "no-at-sign");
    CHECK(ask(name, "list-a@b") == "inner");
    CHECK(ask(name, "list-ax@b") == "outer");
    CHECK(ask(name, "Case@b") == "sensitive");
    CHECK(ask(name, "case@b") == "nothing");
    CHECK(ask(name, "a/b@") == "other delimiter");
    CHECK(ask(name, "a/c@") == "escaped");
    CHECK(ask(name, "x@") == "nothing");
    CHECK(tables.get(name).has_patterns());
}

TEST_CASE_METHOD(Fixture, "a pcre pattern that explodes fails instead of hanging", "[table]") {
    const std::string path = folder.write("rules", "/^(a+)+$/ yes\n");
    CHECK(ask("pcre:" + path, std::string(20, 'a')) == "yes");
    CHECK(ask("pcre:" + path, std::string(200, 'a') + "b").starts_with("error: "));
}

TEST_CASE_METHOD(Fixture, "cidr tables match networks", "[table]") {
    const std::string path = folder.write("nets",
                                          "192.0.2.1      one\n"
                                          "192.0.2.0/24   net $1\n"
                                          "if 10.0.0.0/8\n"
                                          "!10.1.0.0/16   not ten one\n"
                                          "10.1.0.0/16    ten one\n"
                                          "endif\n"
                                          "[2001:db8::]/32   brackets\n"
                                          "2001:db8::/32   six\n"
                                          "198.51.100.7/24 host bits\n");
    const std::string name = "cidr:" + path;
    CHECK(ask(name, "192.0.2.1") == "one");
    CHECK(ask(name, "192.0.2.2") == "net $1");
    CHECK(ask(name, "10.2.0.1") == "not ten one");
    CHECK(ask(name, "10.1.0.1") == "ten one");
    CHECK(ask(name, "2001:db8::5") == "brackets");
    CHECK(ask(name, "198.51.100.7") == "nothing");
    CHECK(ask(name, "not an address") == "nothing");
    CHECK(ask("cidr:{ {127.0.0.0/8 loop}, {::1 six} }", "127.1.2.3") == "loop");
}

TEST_CASE_METHOD(Fixture, "a changed file is read again, a vanished one stays in use", "[table]") {
    const std::string path = folder.write("map", "key old\n");
    const std::string name = "texthash:" + path;
    CHECK(ask(name, "key") == "old");
    folder.write("map2", "key brand-new\n");
    REQUIRE(rename((folder / "map2").c_str(), path.c_str()) == 0);
    std::string value;
    while (value != "brand-new")
        value = ask(name, "key");
    CHECK(value == "brand-new");
}

TEST_CASE("addresses are taken apart as in Postfix", "[table]") {
    CHECK(texts(address_keys("user+ext@example.com", "+", false)) ==
          "user+ext@example.com user@example.com @example.com");
    CHECK(texts(address_keys("user+ext@example.com", "+", true)) ==
          "user+ext@example.com user@example.com user+ext user @example.com");
    CHECK(texts(address_keys("user@example.com", "", true)) ==
          "user@example.com user @example.com");
    CHECK(texts(address_keys("user", "+", false)) == "user");
    CHECK(texts(access_address_keys("u+x@a.b.c", "+-", true)) ==
          "u+x@a.b.c u@a.b.c a.b.c b.c c u+x@ u@");
    CHECK(texts(access_address_keys("u@a.b.c", "", false)) == "u@a.b.c a.b.c .b.c .c u@");
    CHECK(access_address_keys("", "", false).size() == 2);
    CHECK(texts(network_keys("192.0.2.1")) == "192.0.2.1 192.0.2 192.0 192");
    CHECK(texts(network_keys("2001:db8::1")) == "2001:db8::1 2001:db8: 2001:db8 2001");
    CHECK(texts(transport_keys("u+x@a.b", "+", false)) == "u+x@a.b u@a.b a.b .b *");
    CHECK(split_address("owner-list@a", "-").extension.empty());
    CHECK(split_address("list-request@a", "-").extension.empty());
    CHECK(split_address("list-request+x@a", "+-").extension == "-request+x");
    CHECK(split_address("owner-list+x@a", "+-").extension.empty());
    CHECK(split_address("owner-list+x@a", "+").extension == "+x");
    CHECK(split_address("owner-list@a", Delimiters("-", false)).extension == "-list");
    CHECK(split_address("list-x@a", "-").extension == "-x");
    CHECK(split_address("+x@a", "+").local == "+x");
    CHECK(split_address("\"a@b\"@c", "+").domain == "c");
}

TEST_CASE_METHOD(Fixture, "match lists find names and networks, exceptions first", "[table]") {
    const std::string file =
        folder.write("list", "# more\nfile.example\n!10.9.0.0/16 10.0.0.0/8\n");
    std::vector<std::string> words = {"!no.example.com",
                                      "example.com",
                                      ".dot.example",
                                      file,
                                      "inline:{ table.example=x, 192.0.2.9=y }",
                                      "127.0.0.0/8",
                                      "[::1]/128"};
    MatchList subdomains(tables, words, true);
    MatchList exact(tables, words, false);
    auto name = [&](const MatchList& list, std::string text) {
        return wait(list.matches_name(std::move(text))).value();
    };
    CHECK(name(subdomains, "Example.com"));
    CHECK(name(subdomains, "host.example.com"));
    CHECK_FALSE(name(subdomains, "no.example.com"));
    CHECK_FALSE(name(exact, "host.example.com"));
    CHECK(name(exact, "host.dot.example"));
    CHECK(name(exact, "file.example"));
    CHECK(name(subdomains, "x.table.example"));
    CHECK_FALSE(name(exact, "x.table.example"));
    CHECK_FALSE(name(exact, "badexample.com"));
    auto address = [&](std::string ip) {
        return wait(exact.matches_address(std::move(ip))).value();
    };
    CHECK(address("127.5.5.5"));
    CHECK(address("::1"));
    CHECK_FALSE(address("::2"));
    CHECK(address("10.1.1.1"));
    CHECK_FALSE(address("10.9.1.1"));
    CHECK(address("192.0.2.9"));
    MatchList broken(tables, {"/nowhere/list", "a.example"}, false);
    CHECK_FALSE(wait(broken.matches_name("a.example")));
}

TEST_CASE_METHOD(Fixture, "maps ask every table for the whole address before its parts",
                 "[table]") {
    Maps maps(tables, {"inline:{ @example.com=catchall }", "inline:{ user@example.com=user }",
                       "regexp:{ {/^@/ never} }"});
    auto hit = wait(maps.search(address_keys("user+x@example.com", "+", false)));
    REQUIRE(hit);
    REQUIRE(*hit);
    CHECK((*hit)->value == "user");
    CHECK((*hit)->key.without_extension);
    hit = wait(maps.search(address_keys("other@example.com", "+", false)));
    CHECK((*hit)->value == "catchall");
    CHECK_FALSE(*wait(maps.search(address_keys("a@b", "+", false))));
    Maps failing(tables, {"fail:x", "static:y"});
    CHECK_FALSE(wait(failing.find("z")));
}

TEST_CASE("aliases files become entries", "[table]") {
    const Source source = parse_aliases(
        "# c\nroot: alice,bob ,  \"|/bin/x -a, b\"\n\"two words\":\tx\npostmaster:root\n  , "
        "more\nbad\nempty:\n",
        "aliases");
    REQUIRE(source.entries.size() == 3);
    CHECK(source.entries[0].value == "alice, bob, \"|/bin/x -a, b\"");
    CHECK(source.entries[1].key == "two words");
    CHECK(source.entries[2].value == "root, more");
    CHECK(source.problems.size() == 2);
}
