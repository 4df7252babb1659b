#include "lib/store/quota/keeper.h"

#include "lib/base/log.h"
#include "lib/store/maildir/names.h"

namespace facteur::store::quota {
namespace {

std::function<bool(std::string_view)> ignoring(const Rules& rules, char separator) {
    return [rules, separator](std::string_view folder) {
        if (folder.empty()) return rules.ignored("INBOX");
        auto name = maildir::mailbox_name(folder, separator);
        return name && rules.ignored(*name);
    };
}

bool beyond(std::int64_t used, std::int64_t more, std::uint64_t limit, std::uint64_t grace) {
    if (limit == 0) return false;
    const auto most = static_cast<std::int64_t>(limit);
    return used > most || used + more > most + static_cast<std::int64_t>(grace);
}

}  // namespace

Usage sum(const std::vector<std::uint64_t>& sizes) {
    Usage out;
    for (std::uint64_t size : sizes) {
        out.bytes += static_cast<std::int64_t>(size);
        ++out.messages;
    }
    return out;
}

Keeper::Keeper(std::string root, Rules rules, char separator, unsigned mode, Warn warn)
    : rules_(std::move(rules)),
      warn_(std::move(warn)),
      file_(std::move(root), rules_.limits(), ignoring(rules_, separator), mode) {}

Result<void> Keeper::admit(std::string_view mailbox, const std::vector<std::uint64_t>& sizes,
                           const Usage& freed) {
    for (std::uint64_t size : sizes) {
        if (rules_.max_mail_size() && size > rules_.max_mail_size())
            return permanent("Requested allocation size is over the limit", "5.2.3");
    }
    if (!rules_.enforced() || rules_.ignored(mailbox)) return {};
    const Limits limits = rules_.limits_in(mailbox);
    if (limits == Limits()) return {};
    TRY(Usage usage, file_.read());
    const Usage more = sum(sizes);
    auto refused = [&] {
        return beyond(usage.bytes - freed.bytes, more.bytes, limits.bytes, rules_.grace()) ||
               beyond(usage.messages - freed.messages, more.messages, limits.messages, 0);
    };
    if (!refused()) return {};
    // Another program may have removed mail without a word about it.
    TRY(usage, file_.count());
    if (!refused()) return {};
    return permanent(rules_.exceeded_message(), "5.2.2");
}

void Keeper::changed(std::string_view mailbox, const Usage& change) {
    if (change == Usage() || rules_.ignored(mailbox)) return;
    Usage after;
    auto known = file_.recorded();
    Result<void> done;
    if (known && *known) {
        after = {(*known)->bytes + change.bytes, (*known)->messages + change.messages};
        done = file_.add(change);
    } else {
        auto counted = file_.count();  // the change is in it
        if (counted) after = *counted;
        if (!counted) done = std::unexpected(counted.error());
    }
    if (!done) {
        log_warning("quota: " + done.error().text);
        return;
    }
    const Usage before{after.bytes - change.bytes, after.messages - change.messages};
    const Warning* warning = rules_.crossed(before, after);
    if (warning && warn_) warn_(*warning);
}

}  // namespace facteur::store::quota
