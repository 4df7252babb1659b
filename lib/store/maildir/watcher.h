#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/fd.h"
#include "lib/event/signal.h"

struct event;

namespace facteur::store::maildir {

/// Tells sessions that a folder may have changed: one inotify descriptor for the whole process,
/// and where the kernel's limits are reached, a look every few seconds.
class Watcher {
public:
    /// The process's one; lives as long as somebody holds it.
    static std::shared_ptr<Watcher> shared();
    ~Watcher();
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

    /// Notifies `signal` when something happens in the folder; `stale` is asked when inotify
    /// cannot be had.
    void add(const std::string& dir, Signal& signal, std::function<bool()> stale);
    /// The same for what stands beside the messages: folders, subscriptions, properties.
    void add_tree(const std::string& root, Signal& signal);
    void remove(Signal& signal);

private:
    Watcher();
    struct Watched {
        std::vector<int> descriptors;  ///< empty: polled
        std::function<bool()> stale;
        std::string dir;
        bool is_tree = false;
    };
    static void on_events(int fd, short, void* self);
    static void on_poll(int, short, void* self);
    void happened(int descriptor, std::string_view name);

    Fd inotify_;
    event* readable_ = nullptr;
    event* poll_ = nullptr;
    std::map<Signal*, Watched> watched_;
    std::map<int, std::vector<Signal*>> by_descriptor_;
};

}  // namespace facteur::store::maildir
