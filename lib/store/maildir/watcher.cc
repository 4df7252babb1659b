#include "lib/store/maildir/watcher.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <event2/event.h>
#include <sys/inotify.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/event/loop.h"

namespace facteur::store::maildir {
namespace {

constexpr timeval kPollInterval{10, 0};
constexpr std::uint32_t kFolderEvents = IN_MODIFY | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::uint32_t kFilesEvents = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;

}  // namespace

std::shared_ptr<Watcher> Watcher::shared() {
    static std::weak_ptr<Watcher> current;
    std::shared_ptr<Watcher> watcher = current.lock();
    if (!watcher) {
        watcher.reset(new Watcher);  // NOLINT: the constructor is private
        current = watcher;
    }
    return watcher;
}

Watcher::Watcher() : inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    event_base* base = Loop::current().base();
    if (inotify_) {
        readable_ = ::event_new(base, inotify_.get(), EV_READ | EV_PERSIST, &on_events, this);
        ::event_add(readable_, nullptr);
    }
    poll_ = ::event_new(base, -1, EV_PERSIST, &on_poll, this);
    ::event_add(poll_, &kPollInterval);
}

Watcher::~Watcher() {
    if (readable_) ::event_free(readable_);
    ::event_free(poll_);
}

void Watcher::add(const std::string& dir, Signal& signal, std::function<bool()> stale) {
    Watched watched;
    watched.stale = std::move(stale);
    watched.dir = dir;
    for (const char* sub : {"", "/new", "/cur"}) {
        int descriptor = !inotify_ ? -1
                                   : ::inotify_add_watch(inotify_.get(), (dir + sub).c_str(),
                                                         *sub ? kFilesEvents : kFolderEvents);
        if (descriptor < 0) continue;
        watched.descriptors.push_back(descriptor);
        by_descriptor_[descriptor].push_back(&signal);
    }
    if (watched.descriptors.size() < 3) watched.descriptors.clear();
    watched_[&signal] = std::move(watched);
}

void Watcher::remove(Signal& signal) {
    watched_.erase(&signal);
    for (auto at = by_descriptor_.begin(); at != by_descriptor_.end();) {
        std::erase(at->second, &signal);
        if (at->second.empty()) {
            ::inotify_rm_watch(inotify_.get(), at->first);
            at = by_descriptor_.erase(at);
        } else {
            ++at;
        }
    }
}

void Watcher::happened(int descriptor) {
    auto at = by_descriptor_.find(descriptor);
    if (at == by_descriptor_.end()) return;
    for (Signal* signal : at->second)
        signal->notify_all();
}

void Watcher::on_events(int fd, short, void* self) {
    auto& watcher = *static_cast<Watcher*>(self);
    alignas(inotify_event) std::array<char, 16384> buffer;
    ssize_t got = 0;
    while ((got = ::read(fd, buffer.data(), buffer.size())) > 0) {
        for (ssize_t at = 0; at < got;) {
            const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
            at += static_cast<ssize_t>(sizeof *event + event->len);
            std::string_view name = event->len ? event->name : "";
            // In the folder itself only the index counts; summaries, locks and lists do not.
            bool other = name.starts_with("facteur.") && name != "facteur.index";
            if (!other) watcher.happened(event->wd);
        }
    }
}

void Watcher::on_poll(int, short, void* self) {
    for (auto& [signal, watched] : static_cast<Watcher*>(self)->watched_) {
        if (watched.descriptors.empty() && watched.stale()) signal->notify_all();
    }
}

}  // namespace facteur::store::maildir
