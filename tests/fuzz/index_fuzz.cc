// What may be found on a disk: the index's records, state, summaries, reservations; properties,
// compressed messages.
#include <cstdint>
#include <cstdlib>

#include "lib/store/compression.h"
#include "lib/store/index/folder_lock.h"
#include "lib/store/index/state.h"
#include "lib/store/index/summary_codec.h"
#include "lib/store/maildir/properties.h"

using namespace facteur::store;

namespace {

/// Payloads whose checksums would be right, so that the decoders are reached.
void decode(std::string_view text) {
    index::read_append(text);
    index::read_flags(text);
    index::read_expunge(text);
    index::read_renamed(text);
    index::read_keyword(text);
    index::read_recent(text);
    index::read_scanned(text);
    index::read_boot(text);
    index::read_summarized(text);
    index::read_delivered(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    decode(text);
    if (auto summary = index::decode_summary(text)) {
        if (index::decode_summary(index::encode_summary(*summary, size + 100000))->fields !=
            summary->fields)
            std::abort();
    }
    if (auto view = index::view_summary(text)) {
        std::string fields;
        view->append_fields(fields, 0x5555);
    }
    if (is_compressed(text)) (void)decompress(text, 1 << 20);
    if (auto properties = maildir::parse_properties(text)) {
        if (maildir::parse_properties(maildir::format_properties(*properties)) != properties)
            std::abort();
    }
    index::Reservation reservation;
    std::uint64_t sequence = 0;
    index::parse_reservation(text, reservation, sequence);

    index::RecordReader reader(text, 0);
    index::RecordView record;
    index::State state;
    while (reader.next(record) && state.apply(record, record.payload_offset)) {
    }
    // One payload as every type in turn: what apply() takes must leave a state that can be read.
    for (char type : std::string_view("AFXDNKRSBCGL")) {
        record.type = static_cast<index::Record>(type);
        record.payload = text;
        state.apply(record, 0);
    }
    std::uint32_t count = 0;
    state.each([&](const index::Entry& entry) { count += state.name(entry).empty() ? 0 : 1; });
    if (count > state.count()) std::abort();
    return 0;
}
