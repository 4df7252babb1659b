// What other servers leave in a Maildir: UID lists, keywords, subscriptions, file names.
#include <cstdint>
#include <cstdlib>

#include "lib/store/maildir/file_name.h"
#include "lib/store/maildir/names.h"
#include "lib/store/maildir/takeover.h"

using namespace facteur::store::maildir;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    Legacy legacy;
    if (parse_dovecot_uidlist(text, legacy) && legacy.uid_validity == 0) std::abort();
    parse_courier_uiddb(text, legacy);
    parse_dovecot_keywords(text, legacy);
    parse_courier_keywords(text, legacy);
    parse_subscriptions(text, '/');
    parse_courier_subscribed(text, '.');
    FileName name = parse_file_name(text);
    message_key(text);
    if (parse_file_name(with_uid(name.base, 7)).uid != 7U) std::abort();
    if (auto folder = folder_name(text, '.')) {
        // A folder name never leaves the Maildir.
        if (folder->find('/') != std::string::npos || folder->find("..") != std::string::npos)
            std::abort();
    }
    mailbox_name(text, '.');
    return 0;
}
