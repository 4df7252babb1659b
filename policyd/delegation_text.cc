// The policy delegation protocol as text, and where the configuration names its servers.
#include "lib/base/text.h"
#include "lib/config/param.h"
#include "policyd/delegation.h"

namespace facteur::policyd {

namespace {

/// Lines of an answer; only "action" counts.
constexpr int kMostLines = 100;

}  // namespace

std::string request_text(const std::vector<std::string>& attributes) {
    std::string text;
    for (const std::string& attribute : attributes)
        text.append(printable(attribute, attribute.size())).append("\n");
    return text.append("\n");
}

Result<bool> AnswerReader::add(std::string_view line) {
    if (++lines_ > kMostLines) return temporary("answer has too many attributes");
    if (line.empty()) {
        if (!found_) return temporary("answer has no action attribute");
        return true;
    }
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return temporary("answer has a line without \"=\"");
    if (trim(line.substr(0, equals)) != "action") return false;
    // It goes to the client: whatever it holds must stay in its line.
    const std::string_view value = trim(line.substr(equals + 1));
    action_ = printable(value, value.size());
    found_ = true;
    return false;
}

std::vector<std::string> server_names(std::string_view value) {
    std::vector<std::string> names;
    bool follows = false;
    for (const std::string& word : conf::parse_list(value)) {
        const bool in_braces = word.size() > 1 && word.front() == '{' && word.back() == '}';
        const std::string inner = in_braces ? word.substr(1, word.size() - 2) : std::string();
        const std::vector<std::string> words = conf::parse_list(inner);
        if (follows && !in_braces) names.push_back(word);
        if (follows && !words.empty()) names.push_back(words.front());
        for (std::string& name : server_names(inner))
            names.push_back(std::move(name));
        follows = iequals(word, "check_policy_service");
    }
    return names;
}

}  // namespace facteur::policyd
