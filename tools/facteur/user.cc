/*++
NAME
    facteur-user - the users of the passwd-file

SYNOPSIS
    facteur [-c directory] user add [options] USER
    facteur [-c directory] user passwd [--scheme SCHEME] USER
    facteur [-c directory] user delete USER
    facteur [-c directory] user list [--json]

DESCRIPTION
    Changes the passwd-file of $auth_passdb as a whole, so that authd sees the old or the new one.
    A USER is NAME@DOMAIN.  The password is asked for, or read from standard input.

    --scheme SCHEME
        How the password is hashed.
    --uid, --gid NUMBER
        The system user and group that own the mail.
    --home DIRECTORY
        Home directory, in place of $mail_home.
    --mail LOCATION
        Where the mailboxes are, in place of $mail_location.
    --json
        The list for programs.

    delete leaves the mail where it is.

SEE ALSO
    authd(8), facteur(1)
--*/
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lib/base/read_file.h"
#include "lib/base/text.h"
#include "lib/sasl/passwd_file.h"
#include "lib/sasl/password.h"
#include "tools/facteur/command_line.h"
#include "tools/facteur/commands.h"
#include "tools/facteur/instance.h"
#include "tools/facteur/users_file.h"

namespace facteur::tool {
namespace {

struct Wish {
    std::string user;
    std::string scheme = "ARGON2ID";
    std::string uid, gid, home, mail;
    bool json = false;
};

/// What is the same for all that change one user.
using Change = std::function<Result<std::string>(std::string_view text, const std::string& user)>;

int change(const Context& context, const Wish& wish, const Change& work,
           std::string_view happened) {
    const std::string user = to_lower(wish.user);
    if (!sasl::is_user_name(user)) return complain("not a user name: " + printable(user));
    auto path = users_file_of(context.directory);
    if (!path) return complain(path.error().text);
    auto done = change_users(*path, [&](std::string_view text) { return work(text, user); });
    if (!done) return complain(done.error().text);
    fmt::print("{} {} in {}.\n", happened, user, *path);
    return 0;
}

bool stands_in(std::string_view text, const std::string& user) {
    return sasl::PasswdFile(std::string(text)).find(user).has_value();
}

int add(const Context& context, const Wish& wish) {
    auto password = ask_password(wish.user);
    if (!password) return complain(password.error().text);
    auto work = [&](std::string_view text, const std::string& user) -> Result<std::string> {
        if (stands_in(text, user)) {
            return permanent(user + " exists; `facteur user passwd` changes the password");
        }
        sasl::PasswdEntry entry;
        entry.user = user;
        entry.uid = wish.uid;
        entry.gid = wish.gid;
        entry.home = wish.home;
        if (!wish.mail.empty()) entry.extra.emplace_back("userdb_mail", wish.mail);
        TRY(entry.password, sasl::make_password(wish.scheme, *password));
        return sasl::with_user(text, entry);
    };
    return change(context, wish, work, "Added");
}

int passwd(const Context& context, const Wish& wish) {
    auto password = ask_password(wish.user);
    if (!password) return complain(password.error().text);
    auto work = [&](std::string_view text, const std::string& user) -> Result<std::string> {
        auto entry = sasl::PasswdFile(std::string(text)).find(user);
        if (!entry) return permanent("no such user: " + user);
        TRY(entry->password, sasl::make_password(wish.scheme, *password));
        return sasl::with_user(text, *entry);
    };
    return change(context, wish, work, "Changed the password of");
}

int remove(const Context& context, const Wish& wish) {
    auto work = [](std::string_view text, const std::string& user) {
        return sasl::without_user(text, user);
    };
    return change(context, wish, work, "Deleted (the mail stays)");
}

std::string scheme_of(const std::string& password) {
    const auto end = password.find('}');
    return password.starts_with('{') && end != std::string::npos ? password.substr(1, end - 1) : "";
}

nlohmann::json to_json(const sasl::PasswdEntry& entry) {
    nlohmann::json extra = nlohmann::json::object();
    for (const auto& [name, value] : entry.extra)
        extra[name] = value;
    return {{"user", entry.user}, {"scheme", scheme_of(entry.password)},
            {"uid", entry.uid},   {"gid", entry.gid},
            {"home", entry.home}, {"extra", extra}};
}

int list(const Context& context, const Wish& wish) {
    auto path = users_file_of(context.directory);
    if (!path) return complain(path.error().text);
    auto text = read_file(*path);
    if (!text) return complain(text.error().text);
    const sasl::PasswdFile file(*std::move(text));
    nlohmann::json all = nlohmann::json::array();
    for (std::string_view user : file.users()) {
        const auto entry = file.find(user);
        if (wish.json) {
            all.push_back(to_json(*entry));
        } else {
            fmt::print("{:<40} {:<14} {}\n", entry->user, scheme_of(entry->password),
                       entry->field("nologin") ? "nologin" : "");
        }
    }
    if (wish.json)
        fmt::print("{}\n", all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return 0;
}

}  // namespace

void add_user(Command& app, Context& context) {
    Command& user = app.add_subcommand("user", "The users of the passwd-file");
    user.require_subcommand();
    auto wish = std::make_shared<Wish>();  // lives as long as the callbacks

    Command& adding =
        user.add_subcommand("add", "Add a user; the password is asked for or piped in");
    Command& changing = user.add_subcommand("passwd", "Change a user's password");
    Command& deleting = user.add_subcommand("delete", "Delete a user; the mail stays");
    Command& listing = user.add_subcommand("list", "Show all users");
    for (auto* command : {&adding, &changing, &deleting})
        command->add_option("USER", wish->user, "NAME@DOMAIN").required();
    for (auto* command : {&adding, &changing})
        command->add_option("--scheme", wish->scheme, "How the password is hashed")
            .capture_default_str();
    adding.add_option("--uid", wish->uid, "System user (number) that owns the mail");
    adding.add_option("--gid", wish->gid, "Its group (number)");
    adding.add_option("--home", wish->home, "Home directory, in place of $mail_home");
    adding.add_option("--mail", wish->mail, "Mailboxes, in place of $mail_location");
    listing.add_flag("--json", wish->json, "As an array of objects");

    adding.callback([=, &context] { context.status = add(context, *wish); });
    changing.callback([=, &context] { context.status = passwd(context, *wish); });
    deleting.callback([=, &context] { context.status = remove(context, *wish); });
    listing.callback([=, &context] { context.status = list(context, *wish); });
}

}  // namespace facteur::tool
