#include "lmtp-local/virtual_mailboxes.h"

#include <charconv>

#include "lib/base/text.h"
#include "lib/ipc/ways/address.h"

namespace facteur::lmtp_local {

Result<std::string> mailbox_path(std::string_view base, std::string_view value) {
    std::string path = std::string(base) + "/" + std::string(value);
    bool leads_out = value.empty() || value.find('\0') != std::string_view::npos;
    for (std::string_view part : split(path, '/'))
        leads_out = leads_out || part == "..";
    if (leads_out || path.front() != '/')
        return temporary("mailbox path " + printable(path, 200) + " is not below a folder",
                         "4.3.5");
    return path;
}

VirtualMailboxes::VirtualMailboxes(const Settings& settings, ipc::Client& addressd)
    : settings_(settings), addressd_(addressd) {}

bool VirtualMailboxes::in_use() const {
    return !settings_.virtual_mailbox_base().empty() || !settings_.virtual_uid_maps().empty();
}

Task<Result<std::optional<std::string>>> VirtualMailboxes::look_up(
    const std::vector<std::string>& tables, std::string address) {
    ipc::Lookup question;
    question.tables = tables;
    question.kind = ipc::LookupKey::address;
    question.key = std::move(address);
    CO_TRY(auto answer, co_await addressd_.call(std::move(question)));
    if (!answer.message.found) co_return std::nullopt;
    co_return std::move(answer.message.value);
}

Task<Result<std::uint32_t>> VirtualMailboxes::number(const std::vector<std::string>& tables,
                                                     std::string address, const char* what,
                                                     int least) {
    CO_TRY(auto value, co_await look_up(tables, address));
    if (!value)
        co_return temporary("recipient " + address + ": not found in virtual_" + what + "_maps",
                            "4.3.5");
    const std::string_view text = trim(*value);
    std::uint32_t found = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, found);
    const bool good = read.ec == std::errc() && read.ptr == end &&
                      found >= static_cast<std::uint32_t>(least) && found != ~std::uint32_t{0};
    if (!good)
        co_return temporary("recipient " + address + ": bad " + what + " " + printable(*value, 40) +
                                " in virtual_" + what + "_maps",
                            "4.3.5");
    co_return found;
}

Task<Result<std::optional<VirtualMailbox>>> VirtualMailboxes::find(std::string address) {
    CO_TRY(auto value, co_await look_up(settings_.virtual_mailbox_maps(), address));
    if (!value) co_return std::nullopt;
    VirtualMailbox mailbox;
    CO_TRY(mailbox.path, mailbox_path(settings_.virtual_mailbox_base(), *value));
    CO_TRY(mailbox.owner.uid, co_await number(settings_.virtual_uid_maps(), address, "uid",
                                              settings_.virtual_minimum_uid()));
    CO_TRY(mailbox.owner.gid,
           co_await number(settings_.virtual_gid_maps(), std::move(address), "gid", 1));
    co_return mailbox;
}

}  // namespace facteur::lmtp_local
