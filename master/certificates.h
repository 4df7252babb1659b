#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/config/load.h"
#include "lib/config/main_cf.h"
#include "lib/table/stamp.h"

namespace facteur::master {

/// The files with certificates and keys that main.cf names: *_tls_cert_file, *_tls_key_file,
/// *_tls_chain_files, *_tls_CAfile.
std::set<std::string> certificate_files(const conf::MainCf& file, const conf::Values& values);

/// Tells when files are not what they were.
class WatchedFiles {
public:
    void watch(const std::set<std::string>& paths);
    /// They are other files than at watch().  Only once they stay the same from one call to the
    /// next: certificate and key are written one after the other.
    bool changed();

private:
    using Stamps = std::vector<std::pair<std::string, std::optional<table::Stamp>>>;
    Stamps look() const;

    Stamps first_;
    Stamps last_;
};

}  // namespace facteur::master
