#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/spool/story.h"

/// A message in a file of its own (deferred/, hold/, maildrop/, and incoming/ while it grows),
/// version 1, made for people and `less` too:
///
///     0    "FACTEUR QUEUE FILE 1\nid ID\ncontent LENGTH CRC32C\ncheck CRC32C\n", spaces, "\n"
///     512  the content, LENGTH bytes, verbatim
///          "\n", the envelope's lines (envelope.h), "check CRC32C\n"
///          then for each step (story.h) its lines and "check CRC32C\n"
///
/// Each check covers the lines of its own block, so damage is found wherever it is, and a step that
/// was cut while it was appended is seen to be cut: it was never acknowledged and does not count.
///
/// What a crash can leave, and what is done with it:
///
///     found                                  what it was               what is done
///     incoming/ID, nobody has it open        never acknowledged        removed at once
///     maildrop/.ID, a day old                drop was interrupted      removed
///     maildrop/ID                            sendmail(1) returned 0    accepted, then removed
///     deferred/xx/.ID                        moving out was cut        removed at start
///     deferred/xx/ID, M in journal, no X     moving out was cut        the journal counts
///     deferred/xx/ID, F in the journal       done, removal was cut     removed
///     deferred/xx/ID                         waits, due at its mtime   in the queue
///     deferred/xx/ID and hold/ID             release was cut           the one in hold/ counts
namespace facteur::spool {

constexpr std::size_t kContentOffset = 512;

struct FileHeader {
    std::string id;
    std::uint64_t content_length = 0;
    std::uint32_t content_crc = 0;
};
std::string encode(const FileHeader& header);  ///< kContentOffset bytes
Result<FileHeader> decode_file_header(std::string_view bytes);

/// What stands behind the content: envelope and steps, each step with its lines only.
std::string encode_trailer(const Envelope& envelope, const std::vector<std::string>& steps);
/// A step as it is appended later.
std::string encode_step_block(std::string_view step);

struct Trailer {
    Story story;
    std::vector<std::string> steps;
    std::size_t good = 0;  ///< bytes up to the end of the last whole block
};
Result<Trailer> decode_trailer(std::string_view bytes);

}  // namespace facteur::spool
