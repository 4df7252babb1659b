#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "lib/base/time.h"
#include "lib/event/scope.h"
#include "lib/ipc/ways/policy.h"
#include "policyd/durable_map.h"

namespace facteur::policyd {

/// "1;2;3;4;5": until when each test counts as passed, as Postfix's postscreen keeps it.
std::string record_text(const ipc::ScreenRecord& record);
/// Nothing: that is no such text.
std::optional<ipc::ScreenRecord> parse_record(std::string_view text);

/// What postscreen's tests said about clients (postscreen_cache_map).
class Screened {
public:
    /// Without a map every client is new.
    void open(const std::string& map_name);
    Result<ipc::ScreenRecord> find(const std::string& client_address);
    Result<void> keep(const ipc::ScreenRecord& record);
    /// Now and then forgets whom nobody saw for `retention` behind the last passed test.
    Task<void> clean(Scope& scope, Seconds interval, Seconds retention);
    /// One round; how many were kept and dropped.
    Task<std::pair<std::size_t, std::size_t>> clean_once(std::int64_t oldest);

private:
    std::unique_ptr<DurableMap> map_;
};

}  // namespace facteur::policyd
