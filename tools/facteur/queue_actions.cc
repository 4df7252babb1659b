#include "tools/facteur/queue_actions.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <set>

#include <fmt/format.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/config/load.h"
#include "lib/spool/queue_id.h"
#include "tools/facteur/instance.h"
#include "tools/facteur/queue_disk.h"
#include "tools/facteur/queue_picture.h"

namespace facteur::tool {
namespace {

/// Ids in one request, so that long work shows how far it is and can be interrupted.
constexpr std::size_t kPiece = 500;
constexpr std::size_t kWorthTelling = 2000;

/// Empty when syslog has it.
std::string log_file_of(const Instance& instance) {
    const conf::Setting* setting = instance.main_cf.find("maillog_file");
    if (!setting) return std::string();
    const conf::Values values(instance.main_cf, instance.settings->params);
    return values.expand(setting->value).value_or(std::string());
}

std::int64_t now_seconds() {
    return static_cast<std::int64_t>(::time(nullptr));
}

/// "12345 of 99999", over and over in one line, when a person looks.
class Progress {
public:
    explicit Progress(std::size_t all) : all_(all), shown_(all >= kWorthTelling && ::isatty(2)) {}
    ~Progress() {
        if (shown_) std::fputs("\r\033[K", stderr);
    }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    void at(std::size_t done) const {
        if (shown_) fmt::print(stderr, "\r{} of {}", done, all_);
    }

private:
    std::size_t all_;
    bool shown_;
};

/// Asks the person at the terminal; without one, who calls knows what he does.
bool confirm(const std::string& question) {
    if (!::isatty(STDIN_FILENO)) return true;
    std::cerr << question << " [y/N] " << std::flush;
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
}

/// Ids of all messages; with a name of a queue ("deferred"), of those in it.
Result<std::vector<std::string>> all_ids(QueueClient& client, std::string_view queue) {
    TRY(auto ids, client.ids());
    std::vector<std::string> found;
    auto take = [&](const std::string& joined, std::string_view name) {
        if (!queue.empty() && queue != name) return;
        for (std::string& id : split_ids(joined))
            found.push_back(std::move(id));
    };
    take(ids.active, "active");
    take(ids.journal, "deferred");
    take(ids.deferred, "deferred");
    take(ids.hold, "hold");
    return found;
}

Result<void> each_entry(QueueClient& client, const QueueFilter& filter,
                        const std::function<void(const ipc::QueueEntry&)>& each) {
    TRY(auto ids, all_ids(client, ""));
    Progress progress(ids.size());
    std::size_t seen = 0;
    const std::int64_t now = now_seconds();
    return client.entries(ids, [&](const ipc::QueueEntry& entry) {
        if (++seen % kPiece == 0) progress.at(seen);
        if (filter.matches(entry, now)) each(entry);
    });
}

Result<std::vector<std::string>> named_ids(const std::string& word) {
    std::vector<std::string> ids;
    if (word == "-") {
        for (std::string line; std::getline(std::cin, line);) {
            if (!trim(line).empty()) ids.emplace_back(trim(line));
        }
    } else {
        ids.push_back(word);
    }
    for (const std::string& id : ids) {
        if (!spool::is_queue_id(id)) return permanent("not a queue id: " + printable(id));
    }
    return ids;
}

/// The ids, and whether they were named one by one.
Result<std::pair<std::vector<std::string>, bool>> select(QueueClient& client,
                                                         const Selection& selection) {
    std::set<std::string> ids;
    bool all = selection.words.empty();
    for (const std::string& word : selection.words) {
        if (word == "ALL") {
            all = true;
            continue;
        }
        TRY(auto named, named_ids(word));
        ids.insert(named.begin(), named.end());
    }
    if (all && selection.words.empty() && !selection.filter.is_set()) {
        return permanent("name queue ids, ALL, or a filter such as --domain");
    }
    if (all && !selection.filter.is_set()) {
        TRY(auto found, all_ids(client, selection.queue));
        return std::pair(std::move(found), false);
    }
    if (!selection.filter.is_set()) {
        return std::pair(std::vector<std::string>(ids.begin(), ids.end()), true);
    }
    std::vector<std::string> found;
    TRY_VOID(each_entry(client, selection.filter, [&](const ipc::QueueEntry& entry) {
        if (all || ids.contains(entry.queue_id)) found.push_back(entry.queue_id);
    }));
    return std::pair(std::move(found), false);
}

/// Flushes the messages with a recipient that passes.
int flush_if(QueueClient& client, std::string_view program,
             const std::function<bool(const ipc::QueueRecipient&)>& wanted) {
    std::vector<std::string> ids;
    auto read = each_entry(client, QueueFilter(), [&](const ipc::QueueEntry& entry) {
        if (std::any_of(entry.recipients.begin(), entry.recipients.end(), wanted)) {
            ids.push_back(entry.queue_id);
        }
    });
    if (!read) return fail(program, 1, read.error().text);
    if (ids.empty()) return 0;
    auto reply = client.act(ipc::QueueVerb::flush, std::move(ids));
    return reply ? 0 : fail(program, 1, reply.error().text);
}

constexpr std::string_view kDone[] = {"Flushed", "Placed on hold", "Released from hold", "Requeued",
                                      "Deleted", "Expired",        "Redirected"};

bool cannot_be_undone(ipc::QueueVerb verb) {
    return verb == ipc::QueueVerb::remove || verb == ipc::QueueVerb::expire;
}

std::string count_of(std::size_t number) {
    return std::to_string(number) + (number == 1 ? " message" : " messages");
}

}  // namespace

int fail(std::string_view program, int status, std::string_view text) {
    std::cerr << program << ": " << text << "\n";
    return status;
}

int down(std::string_view program, const Error& error) {
    return fail(program, EX_UNAVAILABLE,
                error.text + "; what is in maildrop/ and in the queue waits until it is started");
}

int list_messages(std::string_view program, const std::string& directory, const QueueFilter& filter,
                  bool json) {
    MailqPrinter printer;
    auto each = [&](const ipc::QueueEntry& entry) {
        if (json) {
            std::cout << to_json(entry) << "\n";
        } else {
            printer.print(entry);
        }
    };
    auto client = QueueClient::connect(directory);
    Result<void> done;
    if (client) {
        done = each_entry(**client, filter, each);
    } else if (may_read_disk()) {
        std::cerr << program << ": " << client.error().text << "; this is what is on the disk\n";
        const std::int64_t now = now_seconds();
        done = entries_on_disk([&](const ipc::QueueEntry& entry) {
            if (filter.matches(entry, now)) each(entry);
        });
    } else {
        return fail(
            program, EX_UNAVAILABLE,
            client.error().text + "; only root and the owner of the queue can list it then");
    }
    if (!done) return fail(program, 1, done.error().text);
    if (!json) printer.end();
    return 0;
}

int act(QueueClient& client, std::string_view program, ipc::QueueVerb verb, Selection selection,
        const std::string& argument) {
    auto selected = select(client, selection);
    if (!selected) return fail(program, EX_USAGE, selected.error().text);
    const auto& [ids, named] = *selected;
    std::string done(kDone[static_cast<std::size_t>(verb)]);
    if (!named && cannot_be_undone(verb) && !selection.confirmed && !ids.empty()) {
        std::string verb_text = verb == ipc::QueueVerb::remove ? "Delete " : "Return ";
        if (!confirm(verb_text + count_of(ids.size()) + "? This cannot be undone.")) return 1;
    }
    int status = 0;
    std::size_t count = 0;
    Progress progress(ids.size());
    for (std::size_t at = 0; at < ids.size(); at += kPiece) {
        std::vector<std::string> piece(
            ids.begin() + static_cast<std::ptrdiff_t>(at),
            ids.begin() + static_cast<std::ptrdiff_t>(std::min(at + kPiece, ids.size())));
        auto reply = client.act(verb, std::move(piece), argument);
        if (!reply) return fail(program, 1, reply.error().text);
        count += reply->done;
        progress.at(at);
        for (const std::string& id : reply->missing) {
            if (named) status = fail(program, 1, "no such message: " + id);
        }
    }
    if (count > 0) std::cerr << program << ": " << done << ": " << count_of(count) << "\n";
    return status;
}

int flush_everything(QueueClient& client, std::string_view program) {
    auto reply = client.act(ipc::QueueVerb::flush, {});
    return reply ? 0 : fail(program, 1, reply.error().text);
}

int flush_site(QueueClient& client, std::string_view program, const std::string& site) {
    return flush_if(client, program, [&](const ipc::QueueRecipient& recipient) {
        return iends_with(recipient.address, "@" + site);
    });
}

int show_messages(QueueClient& client, std::string_view program,
                  const std::vector<std::string>& ids, const CatParts& parts) {
    int status = 0;
    for (const std::string& id : ids) {
        auto shown = client.show(id);
        Result<void> printed;
        if (shown) printed = print_message(id, *shown, parts);
        if (!shown) status = fail(program, 1, id + ": " + shown.error().text);
        if (!printed) status = fail(program, 1, id + ": " + printed.error().text);
    }
    return status;
}

int show_stats(QueueClient& client, const StatsWishes& wishes) {
    AgeTable table(wishes.by_sender);
    const std::int64_t now = now_seconds();
    auto read = each_entry(client, wishes.filter,
                           [&](const ipc::QueueEntry& entry) { table.add(entry, now); });
    if (!read) return fail("facteur", 1, read.error().text);
    if (!wishes.picture.empty()) {
        auto drawn = draw_ages(table.rows(wishes.most), wishes.picture);
        return drawn ? 0 : fail("facteur", EX_CANTCREAT, drawn.error().text);
    }
    std::cout << (wishes.json ? table.json() + "\n" : table.text(wishes.most)) << std::flush;
    return 0;
}

int watch(QueueClient& client, const StatsWishes& wishes, unsigned seconds) {
    for (;;) {
        if (::isatty(STDOUT_FILENO)) std::cout << "\033[H\033[2J";
        std::int64_t now = now_seconds();
        std::cout << time_text(now) << "\n";
        int status = show_stats(client, wishes);
        if (status != 0 || !std::cout) return status;
        ::sleep(std::max(1u, seconds));
    }
}

int trace(QueueClient& client, const std::string& directory, const std::string& id) {
    if (!spool::is_queue_id(id)) return fail("facteur", EX_USAGE, "not a queue id: " + id);
    bool known = false;
    auto instance = Instance::open(directory);
    if (!instance) return fail("facteur", EX_CONFIG, instance.error().text);
    const std::string log = log_file_of(*instance);
    std::ifstream file(log);
    for (std::string line; std::getline(file, line);) {
        if (line.find(id) == std::string::npos) continue;
        std::cout << printable(line, 4000) << "\n";
        known = true;
    }
    if (log.empty()) {
        std::cerr << "facteur: the log is with syslog: try journalctl -g " << id << "\n";
    } else if (!file.eof()) {
        std::cerr << "facteur: cannot read " << log << "\n";
    }
    bool queued = false;
    auto read = client.entries({id}, [&](const ipc::QueueEntry& entry) {
        queued = true;
        std::cout << "\nIt is in the queue (" << queue_name(entry.place) << "), tried "
                  << entry.attempts << " time(s), next at " << time_text(entry.next_attempt)
                  << ":\n";
        for (const ipc::QueueRecipient& recipient : entry.recipients) {
            std::cout << "  <" << printable(recipient.address) << "> " << recipient.status << " "
                      << printable(recipient.text, 1000) << "\n";
        }
    });
    if (!read) return fail("facteur", 1, read.error().text);
    if (!queued && known) std::cout << "\nIt is not in the queue any more.\n";
    return known || queued ? 0 : fail("facteur", 1, "nothing is known of " + id);
}

int suspend(QueueClient& client, const std::vector<std::string>& domains, bool resume) {
    auto now = client.suspend(domains, resume);
    if (!now) return fail("facteur", 1, now.error().text);
    int status = 0;
    if (resume) {  // what waits for nothing else goes now
        status = flush_if(client, "facteur", [&](const ipc::QueueRecipient& recipient) {
            if (recipient.text.find("is suspended by the administrator") == std::string::npos) {
                return false;
            }
            return std::none_of(now->begin(), now->end(), [&](const std::string& domain) {
                return recipient.text.find("delivery to " + domain + " is") != std::string::npos;
            });
        });
    }
    if (domains.empty()) {
        for (const std::string& domain : *now)
            std::cout << domain << "\n";
    }
    return status;
}

}  // namespace facteur::tool
