#include "imapd/store_terms.h"

namespace facteur::imapd {

namespace {

struct FlagPair {
    store::Flag stored;
    imap::Flag told;
};
constexpr FlagPair kFlags[] = {
    {store::seen, imap::seen},       {store::answered, imap::answered},
    {store::flagged, imap::flagged}, {store::deleted, imap::deleted},
    {store::draft, imap::draft},
};

}  // namespace

store::Flags to_store_flags(std::uint8_t told) {
    store::Flags stored = 0;
    for (const FlagPair& pair : kFlags) {
        if (told & pair.told) stored |= pair.stored;
    }
    return stored;
}

std::uint8_t to_imap_flags(const store::Message& message) {
    std::uint8_t told = message.recent ? imap::recent : 0;
    for (const FlagPair& pair : kFlags) {
        if (message.flags & pair.stored) told |= pair.told;
    }
    return told;
}

std::vector<std::string> keywords_of(const store::Message& message,
                                     const std::vector<std::string>& names) {
    std::vector<std::string> keywords;
    for (std::size_t i = 0; i < names.size() && message.keywords >> i != 0; ++i) {
        if (message.keywords >> i & 1) keywords.push_back(names[i]);
    }
    return keywords;
}

Error target_error(Error error) {
    if (error.status == "5.1.1") error.status = "5.1.2";
    return error;
}

}  // namespace facteur::imapd
