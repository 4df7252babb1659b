#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/store/store.h"

namespace facteur::tool {

/// Which messages: the words of doveadm-search-query(7) that need no body: ALL, SEEN, UNSEEN,
/// ANSWERED, FLAGGED, DELETED, DRAFT and their UN- forms, KEYWORD, UNKEYWORD, BEFORE, SINCE, ON,
/// SAVEDBEFORE, SAVEDSINCE, LARGER, SMALLER, UID, MAILBOX, SUBJECT, FROM, TO, CC, BCC, HEADER,
/// NOT, OR and parentheses.  Words together mean all of them.
class Query {
public:
    /// No words: all messages.  now: what "2d" and "yesterday" count from.
    static Result<Query> parse(const std::vector<std::string>& words, std::int64_t now);
    Query(Query&&) noexcept;
    Query& operator=(Query&&) noexcept;
    ~Query();

    /// What is asked about header fields needs their raw text.
    bool wants_fields() const;
    /// Could any message of this mailbox match?
    bool wants_mailbox(const std::string& name) const;
    struct Facts {
        std::string mailbox;
        store::Message message;
        std::vector<std::string> keywords;
        std::string fields;
    };
    bool matches(const Facts& facts) const;

    struct Node;

private:
    explicit Query(std::unique_ptr<Node> root);
    std::unique_ptr<Node> root_;
};

}  // namespace facteur::tool
