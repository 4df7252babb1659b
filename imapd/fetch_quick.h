#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/imap/fetch.h"
#include "lib/store/store.h"

namespace facteur::imapd {

/// What goes with the items that were asked for.
struct FetchForm {
    bool with_uid = false;          ///< UID FETCH tells the UID always
    bool seen_with_modseq = false;  ///< where \Seen was set: RFC 7162 section 3.1
    bool seen_with_uid = false;     ///< RFC 7162 section 3.2
    bool without_recent = false;    ///< RFC 9051 appendix E
    bool uid_only = false;          ///< RFC 9586 section 3.3: UIDFETCH
};

/// FETCH of what the index knows of each message, in one pass without waiting: what mail programs
/// ask for every message of a folder.
class QuickFetch {
public:
    /// Nothing when an item needs more than the index.
    static std::optional<QuickFetch> make(const std::vector<imap::FetchItem>& items,
                                          const FetchForm& form);

    bool needs_summary() const { return needs_summary_; }
    /// Adds "* N FETCH (…)" for a message that is there; the view may be missing when no summary
    /// is needed.
    void append(std::string& out, std::uint32_t sequence, const store::Message& message,
                const std::vector<std::string>& keywords, const store::SummaryView* view) const;

private:
    struct Item {
        imap::FetchItem::Kind kind = imap::FetchItem::Kind::uid;
        std::string name;  ///< with the space behind it
        store::FieldSet fields = 0;
        std::optional<imap::Partial> partial;
    };
    void append_item(std::string& out, const Item& item, const store::Message& message,
                     const std::vector<std::string>& keywords,
                     const store::SummaryView* view) const;

    std::vector<Item> items_;
    bool without_recent_ = false;
    bool uid_only_ = false;
    bool needs_summary_ = false;
};

}  // namespace facteur::imapd
