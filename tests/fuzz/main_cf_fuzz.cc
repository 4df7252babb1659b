// main.cf: whatever stands in it, the settings keep values of their types, and an edit keeps what
// it does not touch.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/config/common.h"
#include "lib/config/edit.h"
#include "lib/config/load.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace facteur::conf;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    Common settings;
    load_text(settings, text);
    const std::vector<Edit> edits{{Edit::Kind::set, "fuzz_edit", "value"}};
    const MainCf edited = MainCf::parse(edit_main_cf(text, edits), "main.cf");
    const Setting* setting = edited.find("fuzz_edit");
    if (!setting || setting->value != "value") __builtin_trap();
    return 0;
}
