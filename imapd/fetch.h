#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "imapd/fetch_quick.h"
#include "imapd/output.h"
#include "lib/event/worker.h"
#include "lib/imap/fetch.h"
#include "lib/store/store.h"

namespace facteur::imapd {

// RFC 3501 section 6.4.5: HEADER.FIELDS and its negation always end with the empty line.
std::string chosen_fields(std::string_view header, const imap::Section& section);
/// The piece of it that was asked for.
imap::Span clip(imap::Span span, const std::optional<imap::Partial>& partial);

/// One FETCH command: reads of each message only what its items need, and sends as it goes.
class Fetch {
public:
    Fetch(store::Mailbox& mailbox, Output& out, WorkerPool& workers,
          std::vector<imap::FetchItem> items, FetchForm form);

    bool sets_seen() const { return sets_seen_; }
    /// A message had gone before it could be told.
    bool is_missing() const { return is_missing_; }
    /// Some part was in a transfer encoding that nobody knows (RFC 3516 section 4.3).
    bool has_unknown_encoding() const { return has_unknown_encoding_; }
    /// `tell_flags`: \Seen was set for some of them, so FLAGS is told even when nobody asked.
    Task<Result<void>> send(const std::vector<std::uint32_t>& sequences, bool tell_flags);

private:
    /// What one message's items need, loaded before the first byte of its response is sent.
    struct Loaded {
        store::Message message;
        store::Summary summary;
        store::Content content;
    };
    Task<Result<void>> send_quickly(const std::vector<std::uint32_t>& sequences);
    bool quick_one(std::uint32_t sequence, std::string& out);
    Task<Result<void>> slow_one(std::uint32_t sequence, bool tell_flags);
    Task<Result<bool>> load(Loaded& loaded);
    Task<void> one(std::uint32_t sequence, const Loaded& loaded, bool tell_flags);
    Task<void> item(const imap::FetchItem& item, const Loaded& loaded);
    Task<void> binary(const imap::FetchItem& item, const Loaded& loaded);
    Task<void> section(const imap::FetchItem& item, const Loaded& loaded);
    void short_item(std::string& out, const imap::FetchItem& item, const Loaded& loaded) const;
    Task<void> bytes(const imap::FetchItem& item, std::string_view text);

    store::Mailbox& mailbox_;
    Output& out_;
    WorkerPool& workers_;
    std::vector<imap::FetchItem> items_;
    std::optional<QuickFetch> quick_;
    std::vector<imap::FetchItem> seen_items_;  ///< told too where \Seen was set
    bool without_recent_ = false;
    bool uid_only_ = false;
    bool sets_seen_ = false;
    bool asks_size_ = false;
    bool needs_summary_ = false;
    bool needs_content_ = false;
    bool needs_structure_ = false;
    bool needs_digest_ = false;
    bool is_missing_ = false;
    bool has_unknown_encoding_ = false;
};

}  // namespace facteur::imapd
