#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/time.h"
#include "lib/checks/inspect.h"
#include "lib/ipc/ways/queue.h"
#include "lib/milter/chain.h"

/// What happens to the content and the envelope of a new message before it is queued, whatever way
/// it came: the work of Postfix's cleanup(8).
namespace facteur::cleanup {

/// How one message is treated.
struct Treatment {
    checks::Options checks;
    std::vector<std::string> milter_header_checks;
    /// Our own user's mail: fields that are missing are added (RFC 6409 section 8).
    bool completes = false;
    std::string undisclosed;  ///< undisclosed_recipients_header
    std::string host;         ///< $myhostname
    std::string full_name;    ///< of a local sender
    /// Addresses in the header are completed and mapped.
    bool rewrites = false;
    std::string rewrite_domain;  ///< remote_header_rewrite_domain, where it counts
    bool unmapped = false;       ///< no_address_mappings
    std::size_t address_limit = 10240;
};

/// addressd's tables, or a test.
struct Tables {
    checks::LookUp look_up;
    std::function<Task<Result<ipc::RewriteHeaderReply>>(ipc::RewriteHeader)> rewrite;
};

/// One message on its way to the queue.
class Letter : public milter::Message {
public:
    Letter(Treatment treatment, Tables tables, checks::Tell tell);

    std::string queue_id;
    std::string sender;             ///< internal form
    std::string sender_parameters;  ///< what a milter wants to go with another sender
    std::vector<ipc::SubmitRecipient> recipients;
    WallTime when{};

    // What is to become of it.
    bool hold = false;
    bool discard = false;
    bool pass = false;  ///< no milter sees it
    std::string filter;
    std::string redirect;
    std::vector<std::string> copies;
    std::string message_id;

    /// The content, writable; its file may be longer than the content while the letter is written.
    void set_content(checks::Source source) { content_ = source; }
    /// Takes out characters, runs the checks, adds fields.  A refusal, or nothing.  The Error: a
    /// table or the file does not work.
    Task<Result<std::optional<checks::Refusal>>> inspect();

    checks::Source content() const override { return content_; }
    std::string own_trace() const override { return "id " + queue_id; }
    Result<void> edit(const checks::Edits& edits) override;
    Result<void> replace_body(std::uint64_t at, const checks::Source& body) override;
    Task<Result<std::optional<std::string>>> check_header(std::string field) override;
    void change_sender(std::string address, std::string parameters) override;
    void add_recipient(std::string address, std::string parameters) override;
    void delete_recipient(std::string_view address) override;
    std::optional<milter::Verdict> decided() const override;

private:
    void take(checks::Outcome& outcome);
    Task<Result<void>> rewrite_header();
    std::string missing_fields(const checks::HeaderFacts& header);

    Treatment treatment_;
    Tables tables_;
    checks::Tell tell_;
    checks::Source content_;
    std::optional<milter::Verdict> decided_;
};

}  // namespace facteur::cleanup
