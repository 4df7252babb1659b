#include "lib/store/exchange/maildir_source.h"

#include <algorithm>
#include <filesystem>

#include <sys/stat.h>

#include "lib/base/read_file.h"
#include "lib/base/text.h"
#include "lib/mime/utf7.h"
#include "lib/store/maildir/file_name.h"
#include "lib/store/maildir/files.h"
#include "lib/store/maildir/names.h"
#include "lib/store/maildir/takeover.h"

namespace facteur::store::exchange {
namespace {

using maildir::is_directory;

struct File {
    std::string path;
    std::string name;
    std::uint32_t uid = 0;
};

class MaildirSource : public Source {
public:
    MaildirSource(std::string root, bool fs) : root_(std::move(root)), fs_(fs) {}

    Task<Result<std::vector<SourceMailbox>>> mailboxes() override {
        std::vector<SourceMailbox> out;
        if (!is_directory(root_ + "/cur")) co_return permanent(root_ + " is no Maildir");
        add(out, root_, "INBOX");
        std::error_code failure;
        if (fs_) {
            add_below(out, root_, "");
        } else {
            std::filesystem::directory_iterator entry(root_, failure);
            for (; entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
                const std::string folder = entry->path().filename();
                auto name = maildir::mailbox_name(folder, '/');
                if (name && is_directory(entry->path().string() + "/cur"))
                    add(out, entry->path(), *name);
            }
        }
        if (failure) co_return temporary("read " + root_ + ": " + failure.message());
        CO_TRY_VOID(mark_subscribed(out));
        co_return out;
    }

    Task<Result<void>> read(SourceMailbox& mailbox, const Have& have, const Take& take) override;

private:
    static void add(std::vector<SourceMailbox>& out, std::string where, std::string name) {
        SourceMailbox mailbox;
        mailbox.where = std::move(where);
        mailbox.name = std::move(name);
        out.push_back(std::move(mailbox));
    }
    void add_below(std::vector<SourceMailbox>& out, const std::string& dir,
                   const std::string& above);
    Result<void> mark_subscribed(std::vector<SourceMailbox>& out) const;
    static Result<std::vector<File>> files(const std::string& dir, const maildir::Legacy& legacy);

    const std::string root_;
    const bool fs_;
};

void MaildirSource::add_below(std::vector<SourceMailbox>& out, const std::string& dir,
                              const std::string& above) {
    std::error_code failure;
    std::filesystem::directory_iterator entry(dir, failure);
    for (; entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
        const std::string folder = entry->path().filename();
        if (folder.starts_with('.') || folder == "cur" || folder == "new" || folder == "tmp")
            continue;
        if (!is_directory(entry->path())) continue;
        const std::string name = above + mime::utf7_to_utf8(folder).value_or(folder);
        if (is_directory(entry->path().string() + "/cur")) add(out, entry->path(), name);
        add_below(out, entry->path(), name + "/");
    }
}

Result<void> MaildirSource::mark_subscribed(std::vector<SourceMailbox>& out) const {
    TRY(std::string text, maildir::read_optional(root_ + "/subscriptions"));
    std::vector<std::string> names = maildir::parse_subscriptions(text, fs_ ? '/' : '.');
    if (names.empty()) {
        TRY(text, maildir::read_optional(root_ + "/courierimapsubscribed"));
        names = maildir::parse_courier_subscribed(text, '.');
    }
    for (std::string& name : names) {
        name = mime::utf7_to_utf8(name).value_or(name);
        if (!fs_) std::replace(name.begin(), name.end(), '.', '/');
        for (SourceMailbox& mailbox : out)
            if (mailbox.name == name) mailbox.subscribed = true;
    }
    return {};
}

Result<std::vector<File>> MaildirSource::files(const std::string& dir,
                                               const maildir::Legacy& legacy) {
    std::vector<File> out;
    for (const char* sub : {"/new", "/cur"}) {
        std::error_code failure;
        std::filesystem::directory_iterator entry(dir + sub, failure);
        for (; entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
            File file;
            file.path = entry->path();
            file.name = entry->path().filename();
            if (file.name.starts_with('.')) continue;
            auto at = legacy.uids.find(maildir::message_key(file.name));
            if (at != legacy.uids.end()) file.uid = at->second;
            out.push_back(std::move(file));
        }
        if (failure && failure != std::errc::no_such_file_or_directory)
            return temporary("read " + dir + sub + ": " + failure.message());
    }
    // What has no UID yet comes behind, in the order of arrival.
    std::sort(out.begin(), out.end(), [](const File& a, const File& b) {
        const std::uint64_t left = a.uid ? a.uid : std::uint64_t{1} << 32;
        const std::uint64_t right = b.uid ? b.uid : std::uint64_t{1} << 32;
        return left != right ? left < right : a.name < b.name;
    });
    return out;
}

Task<Result<void>> MaildirSource::read(SourceMailbox& mailbox, const Have& have, const Take& take) {
    CO_TRY(maildir::Legacy legacy, maildir::read_legacy(mailbox.where));
    CO_TRY(std::vector<File> found, files(mailbox.where, legacy));
    mailbox.uid_validity = legacy.uid_validity;
    mailbox.uid_next = legacy.uid_validity ? legacy.next_uid : 0;
    mailbox.messages = static_cast<std::uint32_t>(found.size());
    for (File& file : found) {
        // New ones get the UIDs that their own server would have given.
        if (mailbox.uid_validity && !file.uid) file.uid = mailbox.uid_next++;
        if (file.uid && have(file.uid)) continue;
        struct stat status {};
        if (::stat(file.path.c_str(), &status) != 0) continue;  // it went meanwhile
        SourceMessage message;
        CO_TRY(std::string text, read_file(file.path));
        const maildir::FileName name = maildir::parse_file_name(file.name);
        message.uid = file.uid;
        message.flags = maildir::flags_of(name.letters);
        message.internal_date = status.st_mtim.tv_sec;
        message.bytes = to_wire(text);
        const std::uint64_t bits = maildir::keywords_of(name.letters);
        for (std::size_t bit = 0; bit < legacy.keywords.size() && bit < 26; ++bit)
            if ((bits >> bit & 1) && !legacy.keywords[bit].empty())
                message.keywords.push_back(legacy.keywords[bit]);
        auto beside = legacy.message_keywords.find(maildir::message_key(file.name));
        if (beside != legacy.message_keywords.end()) message.keywords = beside->second;
        CO_TRY_VOID(co_await take(std::move(message)));
    }
    co_return Result<void>();
}

}  // namespace

std::unique_ptr<Source> open_maildir(std::string root, bool fs) {
    while (root.size() > 1 && root.ends_with('/'))
        root.pop_back();
    return std::make_unique<MaildirSource>(std::move(root), fs);
}

}  // namespace facteur::store::exchange
