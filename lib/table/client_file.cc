#include "lib/table/client_file.h"

#include "lib/base/read_file.h"
#include "lib/base/text.h"
#include "lib/config/main_cf.h"

namespace facteur::table {

ClientFile ClientFile::of_text(std::string_view text, const std::string& file) {
    ClientFile made;
    const conf::MainCf parsed = conf::MainCf::parse(text, file);
    for (const auto& [name, setting] : parsed.settings())
        made.values_[name] = setting.value;
    return made;
}

Result<ClientFile> ClientFile::read(const std::string& name, const MainCf& main_cf) {
    if (is_path(name)) {
        TRY(std::string text, read_file(name));
        return of_text(text, name);
    }
    ClientFile made;
    made.prefix_ = name + "_";
    made.main_cf_ = main_cf;
    if (!main_cf) return temporary("its parameters stand in main.cf, which nobody read");
    return made;
}

std::optional<std::string> ClientFile::find(const std::string& parameter) const {
    if (main_cf_) return main_cf_(prefix_ + parameter);
    const auto found = values_.find(parameter);
    if (found == values_.end()) return std::nullopt;
    return found->second;
}

bool ClientFile::has(const std::string& parameter) const {
    return find(parameter).has_value();
}

std::string ClientFile::get(const std::string& parameter, std::string_view otherwise) const {
    return find(parameter).value_or(std::string(otherwise));
}

std::string ClientFile::get_either(const std::string& parameter, const std::string& older,
                                   std::string_view otherwise) const {
    if (has(parameter)) return get(parameter, otherwise);
    return get(older, otherwise);
}

Result<std::int64_t> ClientFile::number(const std::string& parameter, std::int64_t otherwise,
                                        std::int64_t least, std::int64_t most) const {
    const auto text = find(parameter);
    if (!text || trim(*text).empty()) return otherwise;
    const auto value = parse_number(trim(*text));
    if (!value || *value > static_cast<std::uint64_t>(most) ||
        static_cast<std::int64_t>(*value) < least) {
        return permanent(parameter + " = " + printable(*text, 40) + ": write a number from " +
                         std::to_string(least) + " to " + std::to_string(most));
    }
    return static_cast<std::int64_t>(*value);
}

Result<std::int64_t> ClientFile::seconds(const std::string& parameter,
                                         std::int64_t otherwise) const {
    const auto text = find(parameter);
    if (!text || trim(*text).empty()) return otherwise;
    std::string_view digits = trim(*text);
    std::int64_t unit = 1;
    if (digits.ends_with('s') || digits.ends_with('m')) {
        unit = digits.ends_with('m') ? 60 : 1;
        digits.remove_suffix(1);
    }
    const auto value = parse_number(digits);
    if (!value || *value == 0 || *value > 3600)
        return permanent(parameter + " = " + printable(*text, 40) + ": write seconds, up to 3600");
    return static_cast<std::int64_t>(*value) * unit;
}

Result<bool> ClientFile::yes_no(const std::string& parameter, bool otherwise) const {
    const auto text = find(parameter);
    if (!text || trim(*text).empty()) return otherwise;
    for (const std::string_view yes : {"yes", "true", "1"})
        if (iequals(trim(*text), yes)) return true;
    for (const std::string_view no : {"no", "false", "0"})
        if (iequals(trim(*text), no)) return false;
    return permanent(parameter + " = " + printable(*text, 40) + ": write yes or no");
}

}  // namespace facteur::table
