#include <cstdio>
#include <filesystem>

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/config/load.h"
#include "lib/sasl/passwd_file.h"
#include "lib/sasl/password.h"
#include "lib/table/key_values.h"
#include "lib/table/make.h"
#include "tools/facteur/certificate.h"
#include "tools/facteur/command_line.h"
#include "tools/facteur/commands.h"
#include "tools/facteur/instance.h"
#include "tools/facteur/system_users.h"
#include "tools/facteur/templates.h"

namespace facteur::tool {
namespace {

struct Wish {
    std::string directory;
    unsigned port_base = 10000;
    std::string domain = "example.test";
    std::vector<std::string> users;     ///< name@domain:password
    std::vector<std::string> settings;  ///< name=value for main.cf
    std::string scheme = "SHA512-CRYPT";
};

bool is_root() {
    return ::geteuid() == 0;
}

Result<void> make_folder(const std::string& path, const std::string& owner = std::string()) {
    if (::mkdir(path.c_str(), 0755) < 0 && errno != EEXIST) return system_error("mkdir " + path);
    const passwd* user = is_root() && !owner.empty() ? ::getpwnam(owner.c_str()) : nullptr;
    if (user && ::chown(path.c_str(), user->pw_uid, user->pw_gid) < 0)
        return system_error("chown " + path);
    return {};
}

Result<std::string> main_cf(const Wish& wish) {
    const std::string& dir = wish.directory;
    const std::pair<std::string, std::string> edits[] = {
        {"myhostname", "mail." + wish.domain},
        {"mydomain", wish.domain},
        {"virtual_mailbox_domains", wish.domain},
        {"smtpd_tls_cert_file", "$config_directory/certificate.pem"},
        {"smtpd_tls_key_file", "$config_directory/key.pem"},
        {"alias_maps", "hash:$config_directory/aliases"},
        {"mail_home", dir + "/mail/%d/%n"},
        {"queue_directory", "$config_directory/spool"},
        {"maillog_file", "$config_directory/mail.log"},
    };
    std::string text(main_cf_template());
    text += "\n# This instance lives in its own folder.\n";
    for (const auto& [name, value] : edits)
        text = with_parameter(text, name, value);
    for (const std::string& setting : wish.settings) {
        auto equals = setting.find('=');
        if (equals == std::string::npos) return permanent("--set wants name=value: " + setting);
        text = with_parameter(text, trim(std::string_view(setting).substr(0, equals)),
                              trim(std::string_view(setting).substr(equals + 1)));
    }
    return text;
}

Result<std::string> users_file(const Wish& wish) {
    std::string text = "# Users in the format of Dovecot's passwd-file; `facteur user` edits it.\n";
    for (const std::string& user : wish.users) {
        auto colon = user.find(':');
        if (colon == std::string::npos || user.find('@') > colon)
            return permanent("--user wants NAME@DOMAIN:PASSWORD, not " + user);
        sasl::PasswdEntry entry;
        entry.user = to_lower(user.substr(0, colon));
        if (!sasl::is_user_name(entry.user)) return permanent("no user name: " + entry.user);
        TRY(entry.password, sasl::make_password(wish.scheme, user.substr(colon + 1)));
        text = sasl::with_user(text, entry);
    }
    return text;
}

Result<void> write_aliases(const std::string& dir) {
    std::string path = dir + "/aliases";
    TRY_VOID(write_file(path, aliases_template(), 0644));
    auto source = table::parse_aliases(aliases_template(), path);
    table::MakeWishes wishes;
    wishes.aliases = true;
    TRY(auto made, table::make_database(table::Format::hash, path, source.entries, wishes));
    if (made.entries == 0) return permanent("the aliases are empty");
    return {};
}

/// Secrets are root's; the one daemon that reads them by itself does it as its group.
Result<void> write_secret(const std::string& path, std::string_view text,
                          const std::string& group) {
    TRY_VOID(write_file(path, text, 0640));
    const ::group* entry = is_root() ? ::getgrnam(group.c_str()) : nullptr;
    if (entry && ::chown(path.c_str(), 0, entry->gr_gid) < 0) return system_error("chown " + path);
    return {};
}

/// The daemons are other users than root: each folder above has to let them pass.
void warn_of_closed_folders(const std::string& directory) {
    for (std::filesystem::path path = directory; path.has_relative_path();
         path = path.parent_path()) {
        struct stat info {};
        if (::stat(path.c_str(), &info) == 0 && (info.st_mode & 0001) == 0)
            fmt::print(
                "Warning: {} is closed to other users; the daemons, which do not run as root, "
                "need `chmod o+x {}`.\n",
                path.string(), path.string());
    }
}

Result<void> prepare_accounts(const daemon::Settings& settings) {
    if (!is_root()) {
        fmt::print("Not root: all daemons of this instance will run as you.\n");
        return {};
    }
    MissingAccounts missing = missing_accounts(settings);
    if (missing.empty()) return {};
    fmt::print("Making the system users and groups that the daemons run as: {} {}\n",
               fmt::join(missing.groups, " "), fmt::join(missing.users, " "));
    return make_accounts(missing);
}

Result<void> make_instance(const Wish& wish) {
    const std::string& dir = wish.directory;
    TRY(auto main_text, main_cf(wish));
    TRY(auto users, users_file(wish));
    daemon::Settings settings;
    conf::load_text(settings, main_text);
    TRY_VOID(prepare_accounts(settings));
    TRY_VOID(make_folder(dir));
    TRY_VOID(make_folder(dir + "/spool"));
    TRY_VOID(make_folder(dir + "/mail", settings.store_owner()));
    TRY(auto certificate, self_signed("mail." + wish.domain));
    TRY_VOID(write_file(dir + "/certificate.pem", certificate.certificate, 0644));
    TRY_VOID(write_secret(dir + "/key.pem", certificate.key, settings.auth_owner()));
    TRY_VOID(write_secret(dir + "/users", users, settings.auth_owner()));
    TRY_VOID(write_aliases(dir));
    TRY_VOID(
        write_file(dir + "/master.cf", on_loopback(master_cf_template(), wish.port_base), 0644));
    // Last: its presence says that the instance is whole.
    return write_file(dir + "/main.cf", main_text, 0644);
}

int init(Wish wish) {
    std::error_code error;
    wish.directory = std::filesystem::weakly_canonical(wish.directory, error).string();
    if (std::filesystem::exists(wish.directory + "/main.cf"))
        return complain(wish.directory + " has a main.cf already");
    if (wish.port_base + 995 > 65535)
        return complain("--port-base is too large: ports end at 65535");
    wish.domain = to_lower(wish.domain);
    auto made = make_instance(wish);
    if (!made) return complain(made.error().text);
    if (is_root()) warn_of_closed_folders(wish.directory);
    fmt::print("Made {}: SMTP on 127.0.0.1:{}, submission {}, IMAP {} and {} (TLS), POP3 {}.\n",
               wish.directory, wish.port_base + 25, wish.port_base + 587, wish.port_base + 143,
               wish.port_base + 993, wish.port_base + 110);
    fmt::print("Start it with: facteur -c {} start\n", wish.directory);
    return 0;
}

}  // namespace

void add_init(Command& app, Context& context) {
    Command& command = app.add_subcommand("init", "Make a complete mail system in a folder");
    auto wish = std::make_shared<Wish>();  // lives as long as the callback
    command.add_option("DIR", wish->directory, "The folder; made when it is not there").required();
    command.add_option("--port-base", wish->port_base, "Added to each protocol's own port")
        .capture_default_str();
    command.add_option("--domain", wish->domain, "The domain whose mail it keeps")
        .capture_default_str();
    command.add_option("--user", wish->users, "NAME@DOMAIN:PASSWORD, may be repeated");
    command.add_option("--set", wish->settings, "name=value for main.cf, may be repeated");
    command.add_option("--scheme", wish->scheme, "How the passwords are hashed")
        .capture_default_str();
    command.callback([=, &context] { context.status = init(*wish); });
}

}  // namespace facteur::tool
