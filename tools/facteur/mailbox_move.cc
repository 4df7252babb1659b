// Mail from elsewhere, and mail to elsewhere.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/base/write_all.h"
#include "lib/store/exchange/imap_source.h"
#include "lib/store/exchange/maildir_source.h"
#include "lib/store/exchange/mbox.h"
#include "lib/store/exchange/planter.h"
#include "lib/store/maildir/file_name.h"
#include "lib/store/maildir/files.h"
#include "lib/store/maildir/message_file.h"
#include "lib/store/maildir/names.h"
#include "tools/facteur/mailbox_work.h"
#include "tools/facteur/users_file.h"

namespace facteur::tool {
namespace {

namespace exchange = store::exchange;
namespace maildir = store::maildir;
using nlohmann::json;

Result<std::unique_ptr<exchange::Source>> open_source(Account& account, const MailboxWish& wish) {
    const std::size_t colon = wish.source.find(':');
    const std::string kind = wish.source.substr(0, colon);
    if (kind == "imap" || kind == "imaps") {
        TRY(exchange::ImapServer server, exchange::parse_imap_url(wish.source));
        server.verified = !wish.insecure;
        if (server.password.empty()) {
            TRY(server.password, ask_password(server.user));
        }
        return exchange::open_imap(account.scope(), std::move(server));
    }
    if (colon == std::string::npos)
        return permanent("say what it is: maildir:PATH, mbox:PATH, imaps://USER@HOST");
    std::string path = wish.source.substr(colon + 1);
    const bool fs = path.ends_with(":LAYOUT=fs");
    path = path.substr(0, path.find(':'));
    if (kind == "mbox") return exchange::open_mbox(std::move(path));
    if (kind == "maildir") return exchange::open_maildir(std::move(path), fs);
    return permanent("unknown kind of mail: " + printable(kind) + " (maildir, mbox, imap, imaps)");
}

/// How far the import of one mailbox is.
struct Import {
    Import(Account& of, const MailboxWish& asked, std::string mailbox)
        : account(of), wish(asked), name(std::move(mailbox)) {}

    Account& account;
    const MailboxWish& wish;
    std::string name;
    std::string dir;
    bool is_new = false;  ///< the mailbox did not exist when the import began
    std::optional<exchange::Planter> planter;
    std::size_t taken = 0;
    std::size_t known = 0;
    std::optional<std::uint32_t> below;  ///< these came with an earlier import
    std::uint32_t next = 0;              ///< above every UID that was seen
};

void tell_progress(const Import& import, const exchange::SourceMailbox& from, bool last) {
    constexpr std::size_t kEach = 100;
    const bool is_terminal = ::isatty(STDERR_FILENO);
    if (import.wish.quiet || !is_terminal || (!last && import.taken % kEach != 0)) return;
    fmt::print(stderr, "\r{}: {} of {} {}", import.name, import.taken + import.known, from.messages,
               last ? "\n" : "");
}

/// Into a mailbox that has messages already: each once, however often the import is repeated.
Task<Result<void>> append_one(Import& import, const exchange::SourceMailbox& from,
                              exchange::SourceMessage message) {
    store::NewMessage fresh;
    fresh.bytes = std::move(message.bytes);
    fresh.flags = message.flags;
    fresh.keywords = std::move(message.keywords);
    fresh.internal_date = message.internal_date;
    const std::string what = message.uid && from.uid_validity
                                 ? std::to_string(from.uid_validity) + "-" +
                                       std::to_string(message.uid) + "-" + from.where
                                 : fresh.bytes;
    fresh.delivery_id = "import-" + std::to_string(crc32c(what)) + "-" +
                        std::to_string(crc32c(what + import.wish.source)) + "-" +
                        std::to_string(fresh.bytes.size());
    fresh.maybe_delivered = true;
    CO_TRY(store::Appended appended,
           co_await import.account.store().append(import.name, std::move(fresh)));
    ++(appended.duplicate ? import.known : import.taken);
    co_return Result<void>();
}

Task<Result<void>> take_one(Import& import, exchange::SourceMailbox& from,
                            exchange::SourceMessage message) {
    const bool keeps_uids = import.is_new && message.uid && from.uid_validity;
    if (keeps_uids && !import.planter) {
        CO_TRY(import.planter,
               exchange::Planter::begin(import.account.root(), import.dir, from.uid_validity,
                                        import.account.options().hostname));
    }
    if (!import.planter) {
        if (import.is_new && import.dir != import.account.root()) {
            CO_TRY_VOID(co_await import.account.store().create(import.name));
        }
        import.is_new = false;
        Result<void> appended = co_await append_one(import, from, std::move(message));
        tell_progress(import, from, false);
        co_return appended;
    }
    if (import.planter->has(message.uid)) {
        ++import.known;
        co_return Result<void>();
    }
    ++import.taken;
    tell_progress(import, from, false);
    co_return import.planter->add(message);
}

Task<Result<void>> import_mailbox(Import& import, exchange::SourceMailbox& from,
                                  exchange::Source& source) {
    // What an import that was cut off has gathered is not asked for again.
    exchange::Have have = [&import, &from](std::uint32_t uid) {
        if (!import.planter && import.is_new && from.uid_validity) {
            auto planter =
                exchange::Planter::begin(import.account.root(), import.dir, from.uid_validity,
                                         import.account.options().hostname);
            if (planter) import.planter = *std::move(planter);
        }
        import.next = std::max(import.next, uid + 1);
        if (!import.below) import.below = exchange::imported_below(import.dir, from);
        const bool has = import.planter ? import.planter->has(uid) : uid < *import.below;
        import.known += has ? 1 : 0;
        return has;
    };
    exchange::Take take = [&import, &from](exchange::SourceMessage message) {
        return take_one(import, from, std::move(message));
    };
    CO_TRY_VOID(co_await source.read(from, have, take));
    tell_progress(import, from, true);
    if (import.planter) {
        CO_TRY_VOID(import.planter->finish(from.uid_next));
    } else if (import.is_new && import.dir != import.account.root()) {
        CO_TRY_VOID(co_await import.account.store().create(import.name));
    }
    if (import.next > 0) {
        CO_TRY_VOID(exchange::note_imported(import.dir, from, import.next));
    }
    if (from.subscribed) {
        CO_TRY_VOID(co_await import.account.store().subscribe(import.name, true));
    }
    co_return Result<void>();
}

/// "Archive/2026" with our separator; dots in a level become underscores.
std::string own_name(std::string name, char separator) {
    for (char& c : name) {
        if (c == '/') {
            c = separator;
        } else if (c == separator || c == '.') {
            c = '_';
        }
    }
    return name;
}

}  // namespace

Task<Result<void>> import_mail(Account& account, const MailboxWish& wish) {
    CO_TRY(auto source, open_source(account, wish));
    CO_TRY(auto mailboxes, co_await source->mailboxes());
    json out = json::array();
    for (exchange::SourceMailbox& from : mailboxes) {
        Import import(account, wish, own_name(from.name, account.store().separator()));
        if (!wish.target.empty())
            import.name = import.name == "INBOX" && mailboxes.size() == 1
                              ? wish.target
                              : wish.target + account.store().separator() + import.name;
        auto folder = maildir::folder_name(import.name, account.store().separator());
        if (!folder) co_return permanent("impossible name of a mailbox: " + printable(from.name));
        import.dir = folder->empty() ? account.root() : account.root() + "/" + *folder;
        import.is_new = exchange::Planter::is_free(account.root(), import.dir);
        CO_TRY_VOID(co_await import_mailbox(import, from, *source));
        if (!wish.json && !wish.quiet)
            fmt::print("{}: {} messages{}{}\n", import.name, import.taken,
                       import.known ? fmt::format(", {} were there", import.known) : "",
                       import.planter ? ", with their UIDs" : "");
        json one;
        one["mailbox"] = import.name;
        one["imported"] = import.taken;
        one["present"] = import.known;
        one["uids_kept"] = import.planter.has_value();
        out.push_back(std::move(one));
    }
    if (wish.json) fmt::print("{}\n", out.dump(2, ' ', false, json::error_handler_t::replace));
    co_return Result<void>();
}

namespace {

Result<std::string> content_of(const store::Content& content) {
    std::string out(content.size, '\0');
    std::size_t have = 0;
    while (have < out.size()) {
        const ssize_t got = ::pread(content.fd.get(), out.data() + have, out.size() - have,
                                    static_cast<off_t>(have));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return system_error("read a message");
        have += static_cast<std::size_t>(got);
    }
    return out;
}

/// POSIX ustar: a header of 512 bytes, the content filled up to a multiple of that.
std::string tar_entry(const std::string& name, std::string_view content, std::int64_t date) {
    constexpr std::size_t kBlockSize = 512;
    std::string header(kBlockSize, '\0');
    auto put = [&header](std::size_t at, std::string_view text) {
        header.replace(at, text.size(), text);
    };
    std::string path = name;
    std::string prefix;
    if (path.size() > 100) {
        const std::size_t slash = path.find('/', path.size() - 100);
        prefix = path.substr(0, slash);
        path = path.substr(slash + 1);
    }
    put(0, std::string_view(path).substr(0, 100));
    put(100, "0000600");
    put(108, "0000000");
    put(116, "0000000");
    put(124, fmt::format("{:011o}", content.size()));
    put(136, fmt::format("{:011o}", std::max<std::int64_t>(date, 0)));
    put(148, "        ");
    put(156, "0");
    put(257, std::string_view("ustar\00000", 8));
    put(345, std::string_view(prefix).substr(0, 155));
    unsigned sum = 0;
    for (char c : header)
        sum += static_cast<unsigned char>(c);
    put(148, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
    header += content;
    header.resize((header.size() + kBlockSize - 1) / kBlockSize * kBlockSize, '\0');
    return header;
}

std::string file_name_of(const store::Message& message, const Account& account) {
    const std::string size = std::to_string(message.size);
    return fmt::format("{}.U{}.{},S={},W={}{}", message.internal_date, message.uid,
                       account.options().hostname, size, size,
                       maildir::info_suffix(message.flags, 0, {}));
}

/// One mailbox at a time; "-" is standard output.
class Exporter {
public:
    Exporter(Account& account, const MailboxWish& wish) : account_(account), wish_(wish) {}
    ~Exporter() {
        if (wish_.format == "tar" && out_) (void)write_all(out_.get(), std::string(1024, '\0'));
    }
    Exporter(const Exporter&) = delete;
    Exporter& operator=(const Exporter&) = delete;

    Result<void> begin(const std::string& mailbox) {
        const std::string& target = wish_.target;
        folder_ = maildir::folder_name(mailbox, account_.store().separator()).value_or(mailbox);
        first_ = true;
        const bool one_file = wish_.format == "tar" || target == "-";
        if (one_file && out_) return {};
        if (target == "-") {
            out_ = Fd(::dup(STDOUT_FILENO));
        } else if (wish_.format == "maildir") {
            const std::string dir = folder_.empty() ? target : target + "/" + folder_;
            for (const char* sub : {"/cur", "/new", "/tmp"}) {
                TRY_VOID(maildir::make_directories(dir + sub, 0700));
            }
            return {};
        } else {
            std::string path = target;
            if (wish_.format == "mbox") {
                TRY_VOID(maildir::make_directories(target, 0700));
                path += "/" + mailbox;
            }
            out_ = Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
            if (!out_) return system_error("create " + path);
        }
        return out_ ? Result<void>() : Result<void>(system_error("write"));
    }

    Result<void> put(const store::Mailbox& mailbox, const store::Message& message,
                     const std::string& bytes) {
        const std::string name = file_name_of(message, account_);
        std::string text;
        if (wish_.format == "mbox") {
            exchange::MboxEntry entry;
            entry.bytes = bytes;
            entry.flags = message.flags;
            entry.keywords = keywords_of(message, mailbox);
            entry.date = message.internal_date;
            entry.uid = message.uid;
            if (first_) {
                entry.uid_validity = mailbox.uid_validity();
                entry.uid_next = mailbox.uid_next();
            }
            text = exchange::to_mbox(entry);
        } else if (wish_.format == "tar") {
            text = tar_entry("Maildir/" + (folder_.empty() ? "" : folder_ + "/") + "cur/" + name,
                             bytes, message.internal_date);
        }
        first_ = false;
        if (wish_.format == "maildir") return put_file(name, bytes, message.internal_date);
        if (!write_all(out_.get(), text)) return system_error("write");
        return {};
    }

private:
    Result<void> put_file(const std::string& name, const std::string& bytes, std::int64_t date) {
        const std::string dir = folder_.empty() ? wish_.target : wish_.target + "/" + folder_;
        const std::string path = dir + "/cur/" + name;
        Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (!file && errno == EEXIST) return {};
        const timespec times[2] = {{0, UTIME_OMIT}, {date, 0}};
        if (!file || !write_all(file.get(), bytes) || ::futimens(file.get(), times) != 0)
            return system_error("write " + path);
        return {};
    }

    Account& account_;
    const MailboxWish& wish_;
    std::string folder_;
    Fd out_;
    bool first_ = true;
};

}  // namespace

Task<Result<void>> export_mail(Account& account, const MailboxWish& wish) {
    if (wish.format != "mbox" && wish.format != "maildir" && wish.format != "tar")
        co_return permanent("--format is mbox, maildir or tar");
    if (wish.format == "maildir" && wish.target == "-")
        co_return permanent("a Maildir cannot go to standard output");
    CO_TRY(Query query, Query::parse(wish.words, std::time(nullptr)));
    CO_TRY(auto all, co_await selectable(account));
    Exporter exporter(account, wish);
    std::size_t done = 0;
    for (const store::MailboxInfo& info : all) {
        if (!query.wants_mailbox(info.name)) continue;
        Found found;
        found.name = info.name;
        CO_TRY(found.mailbox, co_await account.store().open(info.name, true));
        CO_TRY_VOID(co_await find_in(query, found));
        CO_TRY_VOID(exporter.begin(info.name));
        for (std::uint32_t uid : found.uids) {
            CO_TRY(store::Content content, co_await found.mailbox->content(uid));
            CO_TRY(std::string bytes, content_of(content));
            store::Message message = found.mailbox->message(found.mailbox->sequence_from(uid));
            CO_TRY_VOID(exporter.put(*found.mailbox, message, bytes));
            ++done;
        }
    }
    if (!wish.quiet) fmt::print(stderr, "Exported {} messages.\n", done);
    co_return Result<void>();
}

}  // namespace facteur::tool
