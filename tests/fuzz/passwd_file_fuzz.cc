// A passwd-file: what is found by name is a line of that name, and changes keep the other users.
#include <cstddef>
#include <cstdint>
#include <string>

#include "lib/sasl/passwd_file.h"

using namespace facteur;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const sasl::PasswdFile file(text);
    for (std::string_view user : file.users()) {
        auto entry = file.find(user);
        if (!entry || entry->user != user) __builtin_trap();
    }
    sasl::PasswdEntry added;
    added.user = "added@example.test";
    added.password = "{PLAIN}x";
    const sasl::PasswdFile changed(sasl::with_user(text, added));
    if (!changed.find(added.user)) __builtin_trap();
    if (changed.size() < file.size()) __builtin_trap();
    return 0;
}
