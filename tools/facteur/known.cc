#include "tools/facteur/known.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/read_file.h"
#include "lib/base/text.h"
#include "tools/facteur/instance.h"

namespace facteur::tool {
namespace {

constexpr const char* kPrograms[] = {"master", "smtpd", "qmgr",     "smtp-client", "lmtp-local",
                                     "imapd",  "pop3d", "addressd", "authd",       "policyd"};

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> out;
    for (std::string& word : words)
        out.push_back(word.data());
    out.push_back(nullptr);
    return out;
}

}  // namespace

Result<std::string> output_of(const std::vector<std::string>& words,
                              const std::vector<std::string>& environment) {
    std::vector<std::string> arguments = words;
    std::vector<std::string> variables = environment;
    for (char** entry = environ; *entry; ++entry)
        variables.emplace_back(*entry);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) return system_error("pipe");
    Fd ours(ends[0]);
    Fd theirs(ends[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDOUT_FILENO);
    pid_t pid = -1;
    int error = ::posix_spawn(&pid, arguments[0].c_str(), &actions, nullptr,
                              pointers(arguments).data(), pointers(variables).data());
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return permanent(words[0] + ": " + std::strerror(error));
    theirs.reset();
    auto text = read_to_end(ours.get());
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (status != 0) return permanent(words[0] + " failed");
    return text;
}

std::vector<std::string> suite_programs() {
    std::vector<std::string> programs;
    for (const char* name : kPrograms) {
        std::string path = find_program(name);
        if (::access(path.c_str(), X_OK) == 0) programs.push_back(std::move(path));
    }
    return programs;
}

KnownParameters::KnownParameters(const std::vector<std::string>& programs) {
    for (const std::string& program : programs) {
        auto table = output_of({program, "--parameters"});
        if (table)
            take(*table, program.substr(program.rfind('/') + 1));
        else
            failed_.push_back(program);
    }
}

void KnownParameters::take(std::string_view table, const std::string& program) {
    for (std::string_view line : split(table, '\n')) {
        auto field = split(line, '\t');
        if (field.size() < 6) continue;
        auto text = [&](std::size_t at) { return std::string(field[at]); };
        Known& known = known_[text(0)];
        if (known.name.empty())
            known = Known{text(0),
                          text(1),
                          text(2),
                          text(3),
                          text(4),
                          text(5),
                          field.size() > 6 ? text(6) : std::string(),
                          {}};
        if (known.programs.empty() || known.programs.back() != program)
            known.programs.push_back(program);
    }
}

const Known* KnownParameters::find(std::string_view name) const {
    auto found = known_.find(name);
    return found == known_.end() ? nullptr : &found->second;
}

KnownParameters::ForService KnownParameters::find_for_service(std::string_view name) const {
    ForService found;
    if (find(name)) return found;
    for (const auto& [general, known] : known_) {
        const std::string& suffix = known.suffix;
        if (suffix.empty() || name.size() <= suffix.size() || !name.ends_with(suffix)) continue;
        if (found.known && found.known->suffix.size() > suffix.size()) continue;
        found.known = &known;
        found.service = name.substr(0, name.size() - suffix.size());
    }
    return found;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row.back();
}

std::string KnownParameters::nearest(std::string_view name) const {
    std::string best;
    std::size_t least = 2 + name.size() / 8;  // further away is another word
    for (const auto& [candidate, known] : known_) {
        std::size_t distance = edit_distance(name, candidate);
        if (distance > least || (distance == least && !best.empty())) continue;
        least = distance;
        best = candidate;
    }
    return best;
}

}  // namespace facteur::tool
