#include "smtp-client/lookups.h"

namespace facteur::smtp_client {

Task<Result<std::optional<std::string>>> AddressdLookups::find(std::vector<std::string> tables,
                                                               ipc::LookupKey kind,
                                                               std::string key) {
    std::optional<std::string> value;
    if (tables.empty()) co_return value;
    ipc::Lookup question;
    question.tables = std::move(tables);
    question.kind = kind;
    question.key = std::move(key);
    auto answer = co_await client_.call(std::move(question));
    if (!answer) co_return std::unexpected(answer.error());
    if (answer->message.found) value = answer->message.value;
    co_return value;
}

}  // namespace facteur::smtp_client
