#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/table/client_file.h"
#include "lib/table/remote.h"

namespace facteur::table {

class Tables;

/// What the tables that ask servers share.
struct ClientSurroundings {
    ClientFile::MainCf main_cf;
    std::vector<std::string> module_folders;
    std::chrono::seconds timeout{30};  ///< where the table's own file says nothing
};

/// tcp:host:port and socketmap:inet:host:port:name, socketmap:unix:/path:name.
Result<std::unique_ptr<Client>> make_tcp_client(const std::string& name,
                                                std::chrono::seconds timeout);
Result<std::unique_ptr<Client>> make_socketmap_client(const std::string& name,
                                                      std::chrono::seconds timeout);

// The others read a file; it may name tables (domain = hash:/path).
Result<std::unique_ptr<Client>> make_memcache_client(const ClientFile& file, Tables& tables);
Result<std::unique_ptr<Client>> make_sql_client(const std::string& type, const ClientFile& file,
                                                Tables& tables, const ClientSurroundings& around);
Result<std::unique_ptr<Client>> make_ldap_client(const ClientFile& file, Tables& tables,
                                                 const ClientSurroundings& around);

/// domain =, if it is there.
std::unique_ptr<MatchList> domains_of(const ClientFile& file, Tables& tables);

}  // namespace facteur::table
