#pragma once

#include <string>
#include <vector>

#include "lib/table/module.h"

namespace facteur::table {

/// The module for a type of table, "pgsql": table/pgsql.so beside the programs.  It stays loaded.
/// folders: where to look, in this order.  An Error names the package that has it.
Result<const Module*> load_module(const std::string& type, const std::vector<std::string>& folders);

/// The folder of the running program, and daemon_directory.
std::vector<std::string> module_folders(const std::string& daemon_directory);

/// Types of tables that need a module.
const std::vector<std::string>& module_types();

}  // namespace facteur::table
