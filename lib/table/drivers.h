#pragma once

#include "lib/table/database.h"

namespace facteur::table {

Result<std::unique_ptr<Database>> open_berkeley(Format format, const std::string& path);
Result<std::unique_ptr<DatabaseWriter>> create_berkeley(Format format, const std::string& path);
Result<std::unique_ptr<Database>> open_lmdb(const std::string& path);
Result<std::unique_ptr<DatabaseWriter>> create_lmdb(const std::string& path);
Result<std::unique_ptr<Database>> open_cdb(const std::string& path);
Result<std::unique_ptr<DatabaseWriter>> create_cdb(const std::string& path);

}  // namespace facteur::table
