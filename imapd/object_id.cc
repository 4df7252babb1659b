#include "imapd/object_id.h"

#include "lib/base/encoding.h"
#include "lib/imap/thread.h"
#include "lib/mime/header.h"

namespace facteur::imapd {

namespace {

std::string first_id(const std::string& fields, const char* name) {
    auto value = mime::field_value(fields, name);
    std::vector<std::string> ids;
    if (value) ids = imap::message_ids(*value, 1);
    return ids.empty() ? std::string() : std::move(ids.front());
}

}  // namespace

std::string email_id(const std::string& digest) {
    return digest.empty() ? digest : "M" + hex_encode(digest);
}

std::string thread_id(const std::string& fields, const std::string& digest) {
    std::string root;
    for (const char* name : {"References", "In-Reply-To", "Message-ID"}) {
        root = first_id(fields, name);
        if (!root.empty()) break;
    }
    std::string id = root.empty() ? digest : store::message_digest(root);
    return id.empty() ? id : "T" + hex_encode(id);
}

}  // namespace facteur::imapd
