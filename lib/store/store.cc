#include "lib/store/store.h"

namespace facteur::store {

Task<Result<std::unique_ptr<Watch>>> Store::watch(std::string) {
    co_return permanent("Nothing can be watched here", "5.3.3");
}

Task<Result<std::vector<QuotaRoot>>> Store::quota(std::string) {
    co_return std::vector<QuotaRoot>();
}

Task<Result<void>> Store::has_room(std::string, std::uint64_t) {
    co_return Result<void>();
}

Task<Result<std::vector<AclEntry>>> Store::acl(std::string) {
    co_return permanent("Access control lists are not kept here", "5.3.3");
}

Task<Result<void>> Store::set_acl(std::string, AclEntry, AclChange) {
    co_return permanent("Access control lists are not kept here", "5.3.3");
}

Task<Result<std::string>> Store::my_rights(std::string) {
    co_return std::string("lrswipkxtea");
}

std::vector<Namespace> Store::namespaces() const {
    return {Namespace()};
}

}  // namespace facteur::store
