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

Task<Result<ipc::LookupManyReply>> AddressdLookups::find_many(ipc::LookupMany question) {
    auto answer = co_await client_.call(std::move(question));
    if (!answer) co_return std::unexpected(answer.error());
    co_return std::move(answer->message);
}

Task<Result<bool>> AddressdLookups::matches(std::string list, std::vector<std::string> patterns,
                                            std::string word) {
    ipc::Match question;
    question.list = std::move(list);
    question.patterns = std::move(patterns);
    question.name = std::move(word);
    auto answer = co_await client_.call(std::move(question));
    if (!answer) co_return std::unexpected(answer.error());
    co_return answer->message.matches;
}

}  // namespace facteur::smtp_client
