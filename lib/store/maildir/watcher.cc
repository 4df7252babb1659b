#include "lib/store/maildir/watcher.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <event2/event.h>
#include <sys/inotify.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/event/loop.h"
#include "lib/store/maildir/properties.h"

namespace facteur::store::maildir {
namespace {

constexpr timeval kPollInterval{10, 0};
constexpr std::uint32_t kFolderEvents = IN_MODIFY | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::uint32_t kFilesEvents = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;

/// Our own files, whose changes mean nothing to those who have the folder open.
bool is_of_no_interest(std::string_view name) {
    return name.starts_with("facteur.") && name != "facteur.index" && name != kFolderProperties;
}

/// INBOX is the root itself: what happens to its messages is no news of the folders.
bool is_of_messages(std::string_view name) {
    return name == "facteur.index" || name.ends_with(".new");
}

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
        int descriptor =
            !inotify_ ? -1
                      : ::inotify_add_watch(inotify_.get(), (dir + sub).c_str(),
                                            (*sub ? kFilesEvents : kFolderEvents) | IN_MASK_ADD);
        if (descriptor < 0) continue;
        watched.descriptors.push_back(descriptor);
        by_descriptor_[descriptor].push_back(&signal);
    }
    if (watched.descriptors.size() < 3) watched.descriptors.clear();
    watched_[&signal] = std::move(watched);
}

void Watcher::add_tree(const std::string& root, Signal& signal) {
    Watched watched;
    watched.dir = root;
    watched.is_tree = true;
    watched.stale = [] { return true; };
    int descriptor = !inotify_ ? -1
                               : ::inotify_add_watch(inotify_.get(), root.c_str(),
                                                     kFilesEvents | kFolderEvents | IN_MASK_ADD);
    if (descriptor >= 0) {
        watched.descriptors.push_back(descriptor);
        by_descriptor_[descriptor].push_back(&signal);
    }
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

void Watcher::happened(int descriptor, std::string_view name) {
    auto at = by_descriptor_.find(descriptor);
    if (at == by_descriptor_.end()) return;
    for (Signal* signal : at->second) {
        bool is_tree = watched_[signal].is_tree;
        if (is_tree ? is_of_messages(name) : is_of_no_interest(name)) continue;
        signal->notify_all();
    }
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
            watcher.happened(event->wd, name);
        }
    }
}

void Watcher::on_poll(int, short, void* self) {
    for (auto& [signal, watched] : static_cast<Watcher*>(self)->watched_) {
        if (watched.descriptors.empty() && watched.stale()) signal->notify_all();
    }
}

}  // namespace facteur::store::maildir
