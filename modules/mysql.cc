// mysql: through the MariaDB client library.
#include <cstring>

#include <mysql.h>

#include "lib/table/module.h"

namespace {

using namespace facteur;
using namespace facteur::table;

class MysqlSession : public Session {
public:
    ~MysqlSession() override { mysql_close(connection_); }

    Result<void> open(const Place& place, const ModuleOptions& options);
    Result<std::string> quote(std::string_view text) override {
        std::string out(text.size() * 2 + 1, '\0');
        const auto size = mysql_real_escape_string(connection_, out.data(), text.data(),
                                                   static_cast<unsigned long>(text.size()));
        if (size == static_cast<unsigned long>(-1)) return permanent("cannot quote the key");
        out.resize(size);
        return out;
    }
    Result<Rows> ask(const std::vector<std::string>& statement) override;

private:
    void set_options(int timeout, const ModuleOptions& options);
    Result<Rows> fetch();
    Result<void> drain();
    std::unexpected<Error> failure() const {
        const unsigned code = mysql_errno(connection_);
        // 2000-2999 are the client's: connection refused, lost, timed out (errmsg.h).
        if (code >= 2000 && code < 3000) return temporary(mysql_error(connection_));
        return permanent(mysql_error(connection_));
    }

    MYSQL* connection_ = nullptr;
    bool needs_rows_ = true;
};

void MysqlSession::set_options(int timeout, const ModuleOptions& options) {
    const auto seconds = static_cast<unsigned>(timeout);
    mysql_options(connection_, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    mysql_options(connection_, MYSQL_OPT_READ_TIMEOUT, &seconds);
    mysql_options(connection_, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
    const std::string file = option(options, "option_file");
    std::string group = option(options, "option_group");
    if (!file.empty()) mysql_options(connection_, MYSQL_READ_DEFAULT_FILE, file.c_str());
    if (!group.empty()) mysql_options(connection_, MYSQL_READ_DEFAULT_GROUP, group.c_str());
    const std::string key = option(options, "tls_key_file");
    const std::string cert = option(options, "tls_cert_file");
    const std::string ca = option(options, "tls_CAfile");
    const std::string folder = option(options, "tls_CApath");
    const std::string ciphers = option(options, "tls_ciphers");
    const auto given = [](const std::string& text) {
        return text.empty() ? nullptr : text.c_str();
    };
    if (!key.empty() || !cert.empty() || !ca.empty() || !folder.empty() || !ciphers.empty())
        mysql_ssl_set(connection_, given(key), given(cert), given(ca), given(folder),
                      given(ciphers));
    const std::string verify = option(options, "tls_verify_cert");
    my_bool yes = verify == "yes" || verify == "true" || verify == "1";
    if (yes) mysql_options(connection_, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
    std::string charset = option(options, "charset");
    if (charset.empty()) charset = "utf8mb4";
    mysql_options(connection_, MYSQL_SET_CHARSET_NAME, charset.c_str());
}

// mysql_table(5) "hosts": unix:/path, inet:host:port, host:port.
Result<void> MysqlSession::open(const Place& place, const ModuleOptions& options) {
    connection_ = mysql_init(nullptr);
    if (!connection_) return temporary("out of memory");
    set_options(place.timeout, options);
    std::string host = place.host;
    std::string socket;
    unsigned port = 0;
    if (host.starts_with("unix:")) {
        socket = host.substr(5);
        host.clear();
    } else {
        if (host.starts_with("inet:")) host = host.substr(5);
        const auto colon = host.rfind(':');
        if (colon != std::string::npos && host.find(']', colon) == std::string::npos) {
            port = static_cast<unsigned>(std::strtoul(host.c_str() + colon + 1, nullptr, 10));
            host.resize(colon);
        }
        if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    }
    const std::string user = option(options, "user");
    const std::string password = option(options, "password");
    const std::string database = option(options, "dbname");
    const auto given = [](const std::string& text) {
        return text.empty() ? nullptr : text.c_str();
    };
    // CLIENT_MULTI_RESULTS: CALL of a stored procedure.
    if (!mysql_real_connect(connection_, given(host), given(user), given(password), given(database),
                            port, given(socket), CLIENT_MULTI_RESULTS))
        return temporary(mysql_error(connection_));
    needs_rows_ = option(options, "require_result_set") != "no";
    return {};
}

Result<Rows> MysqlSession::fetch() {
    MYSQL_RES* result = mysql_store_result(connection_);
    if (!result) {
        if (mysql_errno(connection_) != 0) return failure();
        if (needs_rows_) return permanent("the statement gives no result set");
        return Rows();
    }
    Rows rows;
    const unsigned fields = mysql_num_fields(result);
    while (MYSQL_ROW row = mysql_fetch_row(result)) {
        const unsigned long* sizes = mysql_fetch_lengths(result);
        Row values;
        for (unsigned i = 0; i < fields; ++i) {
            if (row[i])
                values.emplace_back(std::string(row[i], sizes[i]));
            else
                values.emplace_back();
        }
        rows.push_back(std::move(values));
    }
    mysql_free_result(result);
    return rows;
}

// What follows the result set of a stored procedure: its status, and nothing else.
Result<void> MysqlSession::drain() {
    int more = 0;
    while ((more = mysql_next_result(connection_)) == 0) {
        MYSQL_RES* result = mysql_store_result(connection_);
        if (!result) continue;
        mysql_free_result(result);
        return permanent("the statement gives more than one result set");
    }
    if (more > 0) return failure();
    return {};
}

Result<Rows> MysqlSession::ask(const std::vector<std::string>& statement) {
    const std::string& text = statement.front();
    if (mysql_real_query(connection_, text.data(), static_cast<unsigned long>(text.size())) != 0)
        return failure();
    Result<Rows> rows = fetch();
    auto rest = drain();
    if (rows && !rest) return std::unexpected(std::move(rest).error());
    return rows;
}

Result<std::unique_ptr<Session>> connect_mysql(const Place& place, const ModuleOptions& options) {
    auto session = std::make_unique<MysqlSession>();
    if (auto opened = session->open(place, options); !opened)
        return std::unexpected(std::move(opened).error());
    return session;
}

}  // namespace

extern "C" {
extern const Module facteur_table_module __attribute__((visibility("default")));
const Module facteur_table_module{
    Module::kVersion,
    "user password dbname charset option_file option_group require_result_set tls_cert_file "
    "tls_key_file tls_CAfile tls_CApath tls_verify_cert tls_ciphers",
    &connect_mysql, nullptr};
}
