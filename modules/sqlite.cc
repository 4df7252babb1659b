// sqlite: through libsqlite3.
#include <sqlite3.h>

#include "lib/table/module.h"

namespace {

using namespace facteur;
using namespace facteur::table;

class Statement {
public:
    Statement() = default;
    ~Statement() { sqlite3_finalize(handle); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    sqlite3_stmt* handle = nullptr;
};

class SqliteSession : public Session {
public:
    ~SqliteSession() override { sqlite3_close(database_); }

    Result<void> open(const Place& place) {
        // A file that is not there must not be made.
        const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
        if (sqlite3_open_v2(place.host.c_str(), &database_, flags, nullptr) != SQLITE_OK)
            return temporary("open " + place.host + ": " + sqlite3_errmsg(database_));
        sqlite3_busy_timeout(database_, place.timeout * 1000);
        // A statement that scans for ever is stopped.
        deadline_ = place.timeout;
        sqlite3_progress_handler(database_, 10000, &SqliteSession::is_late, this);
        return {};
    }
    Result<std::string> quote(std::string_view text) override {
        std::string out;
        for (const char c : text) {
            if (c == '\'') out += '\'';
            out += c;
        }
        return out;
    }
    Result<Rows> ask(const std::vector<std::string>& statement) override {
        started_ = time(nullptr);
        Statement prepared;
        const std::string& text = statement.front();
        const char* rest = nullptr;
        if (sqlite3_prepare_v2(database_, text.c_str(), static_cast<int>(text.size()) + 1,
                               &prepared.handle, &rest) != SQLITE_OK)
            return failure();
        Rows rows;
        int code = 0;
        while ((code = sqlite3_step(prepared.handle)) == SQLITE_ROW) {
            Row row;
            for (int i = 0; i < sqlite3_column_count(prepared.handle); ++i) {
                const auto* value = sqlite3_column_text(prepared.handle, i);
                if (value)
                    row.emplace_back(reinterpret_cast<const char*>(value));
                else
                    row.emplace_back();
            }
            rows.push_back(std::move(row));
            if (rows.size() > 100000) return permanent("more than 100000 rows");
        }
        if (code != SQLITE_DONE) return failure();
        return rows;
    }

private:
    static int is_late(void* self) {
        const auto* session = static_cast<const SqliteSession*>(self);
        return time(nullptr) - session->started_ > session->deadline_ ? 1 : 0;
    }
    std::unexpected<Error> failure() const { return permanent(sqlite3_errmsg(database_)); }

    sqlite3* database_ = nullptr;
    time_t started_ = 0;
    int deadline_ = 10;
};

Result<std::unique_ptr<Session>> connect_sqlite(const Place& place, const ModuleOptions&) {
    if (place.host.empty()) return permanent("dbpath is missing");
    auto session = std::make_unique<SqliteSession>();
    if (auto opened = session->open(place); !opened)
        return std::unexpected(std::move(opened).error());
    return session;
}

}  // namespace

extern "C" {
extern const Module facteur_table_module __attribute__((visibility("default")));
const Module facteur_table_module{Module::kVersion, "", &connect_sqlite, nullptr};
}
