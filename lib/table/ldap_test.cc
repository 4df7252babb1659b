#include "lib/table/ldap.h"

#include <map>

#include <catch2/catch.hpp>

namespace facteur::table {
namespace {

/// A directory of a few entries; URLs are "url:DN".
class Paper : public Directory {
public:
    std::map<std::string, DirectoryEntry> entries;
    std::vector<DirectorySearch> searches;

    void add(const std::string& dn,
             std::vector<std::pair<std::string, std::vector<std::string>>> attributes) {
        entries[dn] = DirectoryEntry{dn, std::move(attributes)};
    }
    Result<std::vector<DirectoryEntry>> search(const DirectorySearch& wish) override {
        searches.push_back(wish);
        std::vector<DirectoryEntry> found;
        if (wish.base == "broken") return temporary("gone");
        const std::string dn = wish.filter.empty() ? wish.base : wish.filter;
        if (entries.contains(dn)) found.push_back(entries[dn]);
        return found;
    }
    std::optional<DirectoryUrl> parse_url(const std::string& text) override {
        if (!text.starts_with("url:")) return std::nullopt;
        DirectoryUrl url;
        url.search.base = text.substr(4);
        url.search.attributes = {"mail;lang-fr", "other"};
        url.names_attributes = true;
        return url;
    }
};

struct Fixture {
    Paper paper;
    LdapRules rules;
    Fixture() {
        REQUIRE(rules.expansion.add_query("dc=x"));
        REQUIRE(rules.expansion.add_query("%s"));
        REQUIRE(rules.expansion.set_result_format("%s"));
        rules.results = {"maildrop"};
        rules.specials = {"member"};
        rules.leaves = {"mail"};
        rules.terminals = {"final"};
    }
    std::string ask(const std::string& key) {
        Found found = LdapLookup(rules, paper).find(key);
        return found ? found->value_or("nothing") : "trouble";
    }
};

TEST_CASE_METHOD(Fixture, "groups are followed to their members", "[table]") {
    paper.add("all", {{"mail", {"group"}}, {"member", {"a", "b", "gone", "all"}}});
    paper.add("a", {{"mail", {"a@x"}}, {"maildrop", {"drop"}}});
    paper.add("b", {{"Mail;lang-fr", {"b@x"}}, {"final", {"end"}}});
    rules.recursion_limit = 3;
    CHECK(ask("all") == "trouble");  // a group in itself
    paper.add("all", {{"mail", {"group"}}, {"member", {"a", "b", "gone"}}});
    CHECK(ask("all") == "a@x,drop,end");
    CHECK(ask("nobody") == "nothing");
    rules.expansion_limit = 2;
    CHECK(ask("all") == "trouble");
    rules.expansion_limit = 0;
    rules.recursion_limit = 1;
    CHECK(ask("all") == "trouble");
    paper.add("dead", {{"member", {"broken"}}});
    rules.recursion_limit = 3;
    CHECK(ask("dead") == "trouble");
}

TEST_CASE_METHOD(Fixture, "a URL asks for what it and the table name", "[table]") {
    paper.add("list", {{"member", {"url:a"}}});
    paper.add("a", {{"mail;lang-fr", {"a@x"}}});
    CHECK(ask("list") == "a@x");
    CHECK(paper.searches.back().attributes == std::vector<std::string>{"mail;lang-fr"});
}

}  // namespace
}  // namespace facteur::table
