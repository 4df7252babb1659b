// master.cf comes from the administrator, but `facteur check` shall survive whatever is in it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/config/master_cf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    facteur::conf::MasterCf master = facteur::conf::parse_master_cf(text, "master.cf");
    for (const auto& service : master.services)
        if (service.name.empty() || service.command.empty()) __builtin_trap();
    return 0;
}
