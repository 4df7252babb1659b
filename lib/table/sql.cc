// pgsql:, mysql:, sqlite: and redis:, whose servers are asked through modules.
#include "lib/base/text.h"
#include "lib/config/param.h"
#include "lib/table/clients.h"
#include "lib/table/expansion.h"
#include "lib/table/module_loader.h"

namespace facteur::table {
namespace {

constexpr std::size_t kResultLimit = 1 << 20;

struct SqlSettings {
    const Module* module = nullptr;
    ModuleOptions options;
    int timeout = 10;
    std::size_t expansion_limit = 0;
    Expansion expansion;
    std::vector<std::size_t> queries;  ///< SQL: one; Redis: the words of the command
    std::unique_ptr<Hosts> hosts;
    bool quotes = true;  ///< the key stands in a statement, and is quoted for it
};

class SqlBackend : public Backend {
public:
    explicit SqlBackend(std::shared_ptr<SqlSettings> settings) : settings_(std::move(settings)) {}

    Found ask(const std::string& key) override {
        // Without a connection first: a key that lacks a part needs no server.
        const auto as_is = [](std::string_view text) -> Result<std::string> {
            return std::string(text);
        };
        for (const std::size_t query : settings_->queries) {
            TRY(auto words, settings_->expansion.query(query, key, as_is));
            if (!words) return std::nullopt;
        }
        if (key.find('\0') != std::string::npos) return std::nullopt;
        close_if_old();
        TRY(Rows rows, rows_for(key));
        return result_of(rows, key);
    }

private:
    using Clock = std::chrono::steady_clock;

    // mysql_table(5): "closed after being idle for about 1 minute".
    void close_if_old() {
        if (session_ && Clock::now() - last_use_ > std::chrono::minutes(1)) session_.reset();
        last_use_ = Clock::now();
    }

    Result<Rows> on(Session& session, const std::string& key) {
        const auto quote = [&](std::string_view text) -> Result<std::string> {
            if (settings_->quotes) return session.quote(text);
            return std::string(text);
        };
        std::vector<std::string> statement;
        for (const std::size_t query : settings_->queries) {
            TRY(auto text, settings_->expansion.query(query, key, quote));
            statement.push_back(std::move(text).value_or(std::string()));
        }
        return session.ask(statement);
    }

    // The connection that is open, then every server that is worth trying.
    Result<Rows> rows_for(const std::string& key) {
        if (session_) {
            auto rows = on(*session_, key);
            if (rows || !rows.error().is_temporary()) return rows;
            session_.reset();
        }
        Result<Rows> last = temporary("no server works; the next attempt is within a minute");
        for (const std::string& host : settings_->hosts->choices()) {
            Place place;
            place.host = host;
            place.timeout = settings_->timeout;
            auto session = settings_->module->connect(place, settings_->options);
            if (session) {
                last = on(**session, key);
                if (last) {
                    session_ = *std::move(session);
                    settings_->hosts->works(host);
                    return last;
                }
            } else {
                last = std::unexpected(std::move(session).error());
            }
            // A statement that the server does not like is no reason to leave the server alone.
            if (!last.error().is_temporary()) return last;
            settings_->hosts->failed(host);
        }
        return last;
    }

    Found result_of(const Rows& rows, const std::string& key) const {
        std::string result;
        std::size_t expansion = 0;
        for (const Row& row : rows) {
            for (const auto& field : row) {
                if (!field || !settings_->expansion.append(result, *field, key)) continue;
                if (settings_->expansion_limit > 0 && ++expansion > settings_->expansion_limit)
                    return temporary("more results than expansion_limit for \"" +
                                     printable(key, 80) + "\"");
                if (result.size() > kResultLimit) return temporary("a result of more than 1 MB");
            }
        }
        if (result.empty()) return std::nullopt;
        return result;
    }

    std::shared_ptr<SqlSettings> settings_;
    std::unique_ptr<Session> session_;
    Clock::time_point last_use_{};
};

/// The statement of mysql_table(5), pgsql_table(5) and sqlite_table(5): query, or what their
/// older parameters make.
Result<std::string> statement_of(const std::string& type, const ClientFile& file) {
    if (file.has("query")) {
        const std::string query = file.get("query", "");
        if (trim(query).empty()) return permanent("query is empty");
        return query;
    }
    if (type == "pgsql" && file.has("select_function"))
        return "SELECT " + file.get("select_function", "") + "('%s')";
    const std::string table = file.get("table", "");
    const std::string field = file.get("select_field", "");
    const std::string where = file.get("where_field", "");
    if (table.empty() || field.empty() || where.empty())
        return permanent("query is missing; write query = SELECT ... WHERE address = '%s'");
    return "SELECT " + field + " FROM " + table + " WHERE " + where + " = '%s' " +
           file.get("additional_conditions", "");
}

std::vector<std::string> hosts_of(const std::string& type, const ClientFile& file) {
    if (type == "sqlite") return {file.get("dbpath", "")};
    const std::string text = file.get("hosts", type == "redis" ? "localhost:6379" : "");
    std::vector<std::string> hosts = conf::parse_list(text);
    if (hosts.empty()) hosts.emplace_back("localhost");
    return hosts;
}

}  // namespace

Result<std::unique_ptr<Client>> make_sql_client(const std::string& type, const ClientFile& file,
                                                Tables& tables, const ClientSurroundings& around) {
    auto settings = std::make_shared<SqlSettings>();
    TRY(settings->module, load_module(type, around.module_folders));
    if (!settings->module->connect) return permanent("its module cannot do this");
    for (const std::string_view name : words(settings->module->options, " ")) {
        const std::string option(name);
        if (file.has(option)) settings->options.emplace_back(option, file.get(option, ""));
    }
    TRY(auto timeout, file.seconds("timeout", around.timeout.count()));
    settings->timeout = static_cast<int>(timeout);
    TRY(auto limit, file.number("expansion_limit", 0, 0, 1 << 30));
    settings->expansion_limit = static_cast<std::size_t>(limit);
    if (type == "redis") {
        settings->quotes = false;
        const std::string command = file.get("command", "GET %s");
        for (const std::string_view word : words(command, " \t")) {
            TRY(auto index, settings->expansion.add_query(word));
            settings->queries.push_back(index);
        }
        if (settings->queries.empty()) return permanent("command is empty");
    } else {
        TRY(std::string statement, statement_of(type, file));
        TRY(auto index, settings->expansion.add_query(statement));
        settings->queries.push_back(index);
    }
    TRY_VOID(settings->expansion.set_result_format(
        file.get_either("result_format", "result_filter", "%s")));
    settings->hosts = std::make_unique<Hosts>(hosts_of(type, file));
    auto client = std::make_unique<Client>();
    client->domains = domains_of(file, tables);
    client->patience = std::chrono::seconds(timeout);
    client->make = [settings]() -> std::unique_ptr<Backend> {
        return std::make_unique<SqlBackend>(settings);
    };
    return client;
}

}  // namespace facteur::table
