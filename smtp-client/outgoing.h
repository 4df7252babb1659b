#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/checks/inspect.h"
#include "lib/ipc/ways/delivery.h"
#include "smtp-client/content.h"
#include "smtp-client/lookups.h"
#include "smtp-client/settings.h"

namespace facteur::smtp_client {

/// What changes in a message on its way out: smtp_generic_maps in envelope and header,
/// smtp_header_checks and its like.
class Outgoing {
public:
    Outgoing(const Settings& settings, Lookups& lookups);

    /// Nothing is ever changed.
    bool is_idle() const { return !maps_ && !options_.tables.any(); }
    /// The address as other hosts know it.
    Task<Result<std::string>> external(std::string address);
    /// The changed content; nullptr: it stays as it is.
    Task<Result<std::unique_ptr<Content>>> rewrite(std::string queue_id, Content& content);

private:
    Task<Result<void>> rewrite_field(checks::AddressField field, checks::Edits& edits);

    const Settings& settings_;
    Lookups& lookups_;
    bool maps_;
    checks::Options options_;
};

/// Where the addresses of a header field's value stand: "a@b" in `A <a@b>, c@d (x)`.
struct Span {
    std::size_t at = 0;
    std::size_t size = 0;
};
std::vector<Span> address_spans(std::string_view value);

}  // namespace facteur::smtp_client
