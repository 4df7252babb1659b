#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/facteur/queue_client.h"
#include "tools/facteur/queue_filter.h"
#include "tools/facteur/queue_print.h"

/// What `facteur queue` and the names that hands know for it do.  Each returns the exit status,
/// and says on standard error what is wrong; `program` is how it was called.
namespace facteur::tool {

int fail(std::string_view program, int status, std::string_view text);
/// qmgr does not answer, and the command needs it.
int down(std::string_view program, const Error& error);

/// Which messages: what the words name (an id, - for ids on standard input, ALL), or what the
/// filter lets pass.
struct Selection {
    std::vector<std::string> words;
    QueueFilter filter;
    std::string queue;       ///< for ALL: "deferred", "hold", …; empty: everywhere
    bool confirmed = false;  ///< --yes
};

/// All that pass the filter, as mailq prints them, or a JSON object a line.  Without qmgr it reads
/// the disk, if it may.
int list_messages(std::string_view program, const std::string& directory, const QueueFilter& filter,
                  bool json);
int act(QueueClient& client, std::string_view program, ipc::QueueVerb verb, Selection selection,
        const std::string& argument = "");
int flush_everything(QueueClient& client, std::string_view program);
/// What goes to a domain.
int flush_site(QueueClient& client, std::string_view program, const std::string& site);
int show_messages(QueueClient& client, std::string_view program,
                  const std::vector<std::string>& ids, const CatParts& parts);

struct StatsWishes {
    QueueFilter filter;
    bool by_sender = false;
    bool json = false;
    unsigned most = 20;   ///< domains; 0: all
    std::string picture;  ///< a PNG file to draw into; empty: none
};
int show_stats(QueueClient& client, const StatsWishes& wishes);
/// The same again and again, until it is interrupted.
int watch(QueueClient& client, const StatsWishes& wishes, unsigned seconds);
/// What happened to a message: its history, and the lines of the log that name it.
int trace(QueueClient& client, const std::string& directory, const std::string& id);
/// No domains: tells which are suspended.
int suspend(QueueClient& client, const std::vector<std::string>& domains, bool resume);

}  // namespace facteur::tool
