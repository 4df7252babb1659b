#include "qmgr/pickup.h"

#include <algorithm>

#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/event/errors.h"
#include "qmgr/outgoing.h"

namespace facteur::qmgr {
namespace {

constexpr std::uint64_t kMostEnvelope = 64 << 20;
constexpr std::int64_t kStale = 86400;

/// What one file of maildrop/ holds, as far as its writer may be believed.
struct Drop {
    spool::Envelope envelope;
    std::string content;
    unsigned uid = 0;
};

Result<Drop> read_drop(const std::string& name, std::uint64_t size_limit) {
    TRY(Fd fd, spool::open_to_read("maildrop/" + name));
    struct stat st {};
    if (::fstat(fd.get(), &st) != 0) return system_error("stat");
    if (!S_ISREG(st.st_mode)) return permanent("not a regular file");
    if (size_limit > 0 && static_cast<std::uint64_t>(st.st_size) > size_limit + kMostEnvelope) {
        return permanent("file is too large");
    }
    TRY(spool::LoadedFile loaded, spool::load_open_file(fd.get()));
    if (loaded.header.id != name) return permanent("queue file bears the name of another");
    TRY(std::string content,
        spool::read_exactly(fd.get(), spool::kContentOffset,
                            static_cast<std::size_t>(loaded.header.content_length)));
    Drop drop;
    drop.content = with_crlf(content);
    drop.uid = st.st_uid;
    // The file says who gets it and from whom; where it came from is what the kernel says.
    drop.envelope = std::move(loaded.trailer.story.envelope);
    drop.envelope.client_name.clear();
    drop.envelope.client_address.clear();
    drop.envelope.helo.clear();
    drop.envelope.login.clear();
    drop.envelope.filter.clear();
    drop.envelope.priority = std::min<std::int8_t>(drop.envelope.priority, 0);
    drop.envelope.protocol = "local";
    return drop;
}

}  // namespace

std::string with_crlf(std::string_view content) {
    std::string out;
    out.reserve(content.size() + content.size() / 32);
    for (std::size_t i = 0; i < content.size(); ++i) {
        if (content[i] == '\r' && i + 1 < content.size() && content[i + 1] == '\n') continue;
        if (content[i] == '\n' || content[i] == '\r') {
            out += "\r\n";
        } else {
            out += content[i];
        }
    }
    if (!out.empty() && !out.ends_with("\r\n")) out += "\r\n";
    return out;
}

Pickup::Pickup(Manager& manager, Scope& scope)
    : manager_(manager), running_(scope), cleaning_(running_) {}
Pickup::~Pickup() = default;

void Pickup::start() {
    inotify_ = Fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (inotify_ && ::inotify_add_watch(inotify_.get(), "maildrop", IN_MOVED_TO) >= 0) {
        readiness_ = std::make_unique<Readiness>(inotify_.get());
        running_.spawn(watch());
    }
    running_.spawn(run());
}

Task<void> Pickup::stop() {
    running_.cancel();
    co_await running_.join();
}

Task<void> Pickup::watch() {
    char events[4096];
    for (;;) {
        if (::read(inotify_.get(), events, sizeof events) > 0) {
            wake_.notify_all();
            continue;
        }
        readiness_->would_block(Readiness::read);
        co_await readiness_->wait(Readiness::read, running_);
    }
}

Task<void> Pickup::run() {
    for (;;) {
        co_await take_all();
        try {
            co_await wake_.wait(running_, Loop::current().now() + manager_.settings().run_delay());
        } catch (const TimedOut&) {
        }
    }
}

Task<void> Pickup::take_all() {
    for (bool any = true; any;) {
        any = false;
        std::vector<std::string> names = spool::names_in("maildrop");
        std::sort(names.begin(), names.end());
        for (const std::string& name : names) {
            if (name.starts_with('.')) {  // being written, or left by a drop that was killed
                auto state = spool::state_of("maildrop/" + name);
                if (state.modified + kStale < now_seconds()) {
                    (void)manager_.spool().files().remove("maildrop/" + name);
                }
                continue;
            }
            bool taken = co_await take(name);
            any |= taken;
        }
        if (any) {
            // The names are gone for good before their messages can be forgotten.
            std::function<Result<void>()> work = [this] {
                return manager_.spool().files().flush_folder("maildrop");
            };
            (void)co_await manager_.spool().workers().run<Result<void>>(std::move(work));
        }
    }
}

/// True when the file is gone from maildrop/.
Task<bool> Pickup::take(std::string name) {
    auto id = spool::QueueId::parse(name);
    if (!id) {
        co_await reject(name, "not the name of a queue file");
        co_return true;
    }
    const std::uint64_t limit = manager_.settings().message_size_limit();
    std::function<Result<Drop>()> work = [name, limit] { return read_drop(name, limit); };
    Result<Drop> drop = co_await manager_.spool().workers().run<Result<Drop>>(std::move(work));
    if (!drop) {
        const bool later = drop.error().is_temporary();
        log_warning(name + ": maildrop: " + drop.error().text);
        if (!later) co_await reject(name, drop.error().text);
        co_return !later;
    }
    drop->envelope.arrival = now_micros();
    drop->envelope.filter = manager_.settings().message.content_filter();
    drop->content.insert(
        0, fmt::format("Received: by {} ({}, from userid {})\r\n\tid {}; {}\r\n",
                       manager_.settings().myhostname(), manager_.settings().mail_name(), drop->uid,
                       name, rfc5322_date(std::chrono::system_clock::now())));
    log_info(fmt::format("{}: uid={} from=<{}>", name, drop->uid, drop->envelope.sender));
    spool::Envelope envelope = std::move(drop->envelope);
    std::string content = std::move(drop->content);
    Result<void> accepted = co_await queue_cleaned(*id, std::move(envelope), std::move(content));
    if (!accepted) {
        const bool later = accepted.error().is_temporary();
        log_warning(name + ": " + accepted.error().text);
        if (!later) co_await reject(name, accepted.error().text);
        co_return !later;
    }
    auto removed = manager_.spool().files().remove("maildrop/" + name);
    if (!removed) log_warning(name + ": " + removed.error().text);
    co_return removed.has_value();
}

/// What policyd refuses goes back to its sender (Postfix's cleanup(8)), or waits in maildrop/.
Task<Result<void>> Pickup::queue_cleaned(spool::QueueId id, spool::Envelope envelope,
                                         std::string content) {
    const auto& overrides = manager_.settings().overrides();
    const auto leaves_out = [&](std::string_view what) {
        return std::find(overrides.begin(), overrides.end(), what) != overrides.end();
    };
    ipc::Clean how;
    how.no_checks = leaves_out("no_header_body_checks");
    how.no_milters = leaves_out("no_milters");
    how.unmapped = envelope.unmapped = leaves_out("no_address_mappings");
    CO_TRY(CleanedMail cleaned, co_await cleaning_.clean(id, envelope, content, std::move(how)));
    if (cleaned.discard) {
        log_info(id.text() + ": discarded");
        co_return Result<void>();
    }
    if (cleaned.refusal.starts_with('4')) co_return temporary(cleaned.refusal);
    if (!cleaned.refusal.empty()) envelope.filter = "error:" + cleaned.refusal;
    if (envelope.recipients.empty()) {
        log_info(id.text() + ": no recipients left");
        co_return Result<void>();
    }
    co_return co_await manager_.accept_text(id, std::move(envelope), std::move(content),
                                            cleaned.hold);
}

Task<void> Pickup::reject(std::string name, std::string why) {
    log_error("maildrop/" + name + ": " + why + ": moved to corrupt/");
    std::function<Result<void>()> work = [this, name] {
        return spool::move_file(manager_.spool().files(), "maildrop/" + name, "corrupt/" + name);
    };
    Result<void> moved = co_await manager_.spool().workers().run<Result<void>>(std::move(work));
    if (!moved) (void)manager_.spool().files().remove("maildrop/" + name);
}

}  // namespace facteur::qmgr
