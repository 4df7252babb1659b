#include "tools/facteur/postfix_parameters.h"

#include <array>
#include <cstddef>

#include "lib/base/text.h"
#include "tools/facteur/embed.h"

EMBED(facteur_postfix_parameters, "conf/postfix_parameters")

namespace facteur::tool {
namespace {

using Verdict = PostfixParameter::Verdict;
constexpr std::string_view kSeparator = " | ";
constexpr std::string_view kEachService = "transport_";

Verdict verdict_of(std::string_view word) {
    if (word == "honoured") return Verdict::honoured;
    return word == "meaningless" ? Verdict::meaningless : Verdict::refused;
}

}  // namespace

std::string_view postfix_parameters_text() {
    return std::string_view(facteur_postfix_parameters_start, facteur_postfix_parameters_end);
}

PostfixParameters::PostfixParameters(std::string_view text) {
    for (std::string_view line : split(text, '\n')) {
        if (line.empty() || line.starts_with('#')) continue;
        std::array<std::string_view, 5> field;
        for (std::string_view& each : field) {
            const std::size_t end = line.find(kSeparator);
            each = trim(line.substr(0, end));
            line.remove_prefix(end == std::string_view::npos ? line.size()
                                                             : end + kSeparator.size());
        }
        PostfixParameter row;
        row.name = field[0];
        row.area = field[1];
        row.verdict = verdict_of(field[2]);
        row.default_text = field[3] == "-" ? std::string_view() : field[3];
        row.text = field[4];
        rows_.emplace(row.name, row);
    }
}

const PostfixParameter* PostfixParameters::find(std::string_view name) const {
    auto found = rows_.find(name);
    if (found != rows_.end()) return &found->second;
    for (const auto& [each, row] : rows_) {
        if (!each.starts_with(kEachService)) continue;
        const std::string_view suffix = each.substr(kEachService.size() - 1);
        if (name.size() > suffix.size() && name.ends_with(suffix)) return &row;
    }
    return nullptr;
}

}  // namespace facteur::tool
