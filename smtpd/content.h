#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/checks/inspect.h"
#include "lib/event/task.h"
#include "lib/smtp/header_scan.h"

namespace facteur::smtpd {

class Backend;

/// The content of one message while it arrives: a small one in a buffer that is written once, a
/// larger one in a memory file, one that the journal does not take in a file of the queue's.
class Content {
public:
    struct Limits {
        std::uint64_t in_memory = 1000000;
        std::uint64_t size = 0;  ///< 0: none
    };
    Content(Backend& backend, std::string queue_id, Limits limits);
    ~Content();
    Content(const Content&) = delete;
    Content& operator=(const Content&) = delete;

    /// Our own fields, before anything else.
    void set_trace(std::string fields);
    /// Where received bytes are appended; accept() follows.
    std::string& buffer() { return buffer_; }
    /// Takes notice of what was appended; may wait for a file.  What goes wrong is remembered, so
    /// that the rest can be read and thrown away.
    Task<void> accept();

    /// Of what the client sent, as far as it was counted.
    std::uint64_t received() const { return received_; }
    bool too_big() const { return too_big_; }
    const std::optional<Error>& failure() const { return failure_; }
    const smtp::HeaderScan& header() const { return header_; }

    /// Everything is in one descriptor from now on.
    Task<Result<void>> finish();
    /// Puts more fields on top, after finish().
    Result<void> prepend(std::string_view fields);
    const Fd& fd() const { return fd_; }
    /// After finish(): where it stands, to be changed in place; resize() tells how.
    checks::Source source() const { return checks::Source{fd_.get(), base_, stored_}; }
    void resize(std::uint64_t size) { stored_ = size; }
    /// Size of all, our own fields included.
    std::uint64_t size() const { return stored_; }
    bool is_reserved() const { return reserved_; }
    /// From now on nobody can change it; an empty descriptor for a file that the queue owns.
    Result<Fd> seal();

private:
    Task<Result<void>> spill();
    Task<Result<void>> move_to_file();
    Result<void> open_memory();
    Result<void> append(std::string_view bytes);

    Backend& backend_;
    std::string queue_id_;
    Limits limits_;
    std::string buffer_;
    std::size_t seen_ = 0;  ///< of buffer_, by accept()
    std::uint64_t received_ = 0;
    std::uint64_t stored_ = 0;
    std::uint64_t base_ = 0;  ///< where the content begins in the queue's file
    bool too_big_ = false;
    bool reserved_ = false;
    bool handed_over_ = false;
    std::optional<Error> failure_;
    smtp::HeaderScan header_;
    Fd fd_;
};

}  // namespace facteur::smtpd
