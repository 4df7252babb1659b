#include "master/certificates.h"

#include "lib/config/param.h"

namespace facteur::master {

std::set<std::string> certificate_files(const conf::MainCf& file, const conf::Values& values) {
    std::set<std::string> paths;
    for (const auto& [name, setting] : file.settings()) {
        bool names_files = false;
        for (const std::string_view end :
             {"_tls_cert_file", "_tls_key_file", "_tls_chain_files", "_tls_CAfile"})
            names_files = names_files || std::string_view(name).ends_with(end);
        if (!names_files) continue;
        for (std::string& path : conf::parse_list(values.get(name)))
            if (path.starts_with('/')) paths.insert(std::move(path));
    }
    return paths;
}

void WatchedFiles::watch(const std::set<std::string>& paths) {
    first_.clear();
    for (const std::string& path : paths)
        first_.emplace_back(path, table::Stamp::of(path));
    last_ = first_;
}

WatchedFiles::Stamps WatchedFiles::look() const {
    Stamps now;
    for (const auto& [path, stamp] : first_)
        now.emplace_back(path, table::Stamp::of(path));
    return now;
}

bool WatchedFiles::changed() {
    Stamps now = look();
    const bool is_stable = now == last_;
    last_ = std::move(now);
    return is_stable && last_ != first_;
}

}  // namespace facteur::master
