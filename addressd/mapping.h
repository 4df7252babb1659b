#pragma once

#include <string>
#include <vector>

#include "addressd/classes.h"

namespace facteur::addressd {

/// Replaces addresses: canonical(5) and virtual(5).
class Mapping {
public:
    Mapping(const Settings& settings, const Classes& classes, table::Tables& tables);

    Task<Result<std::string>> sender(std::string address) const;
    /// Addresses of a message's header, complete and mapped.
    Task<Result<ipc::RewriteHeaderReply>> header(ipc::RewriteHeader question) const;
    /// What the recipient stands for, itself when it is no alias.  Error 5.4.6: too many, too
    /// deep, or too long.
    Task<Result<std::vector<std::string>>> recipient(std::string address) const;
    /// Who gets copies because of this recipient (recipient_bcc_maps), aliases expanded.
    Task<Result<std::vector<std::string>>> copies_for_recipient(std::string address) const;
    /// Who gets copies of every message of this sender: always_bcc and sender_bcc_maps.
    Task<Result<std::vector<std::string>>> copies_for_sender(std::string address) const;

private:
    Task<Result<std::string>> in_header(std::string address, bool is_sender,
                                        const ipc::RewriteHeader& question) const;
    Task<Result<std::string>> canonical(const table::Maps& maps, std::string address) const;
    Task<Result<std::vector<std::string>>> look_up(const table::Maps& maps, std::string address,
                                                   bool propagate) const;
    Task<Result<std::vector<std::string>>> virtual_aliases(std::string address) const;
    /// The recipient's address once it is complete, before virtual aliases.
    Task<Result<std::string>> canonical_recipient(std::string address) const;
    Task<Result<std::vector<std::string>>> copies(const table::Maps& maps,
                                                  std::string address) const;
    Task<Result<std::vector<std::string>>> expanded(std::string address) const;
    bool propagates(std::string_view kind) const;

    const Settings& settings_;
    const Classes& classes_;
    table::Maps canonical_;
    table::Maps sender_canonical_;
    table::Maps recipient_canonical_;
    table::Maps virtual_alias_;
    table::Maps sender_bcc_;
    table::Maps recipient_bcc_;
};

}  // namespace facteur::addressd
