#include "policyd/durable_map.h"

#include <cerrno>

#include <db.h>
#include <sys/stat.h>

#include "lib/base/log.h"

namespace facteur::policyd {

namespace {

constexpr std::uint32_t kMemory = 4u << 20;

DBT dbt(std::string_view bytes) {
    DBT made{};
    made.data = const_cast<char*>(bytes.data());
    made.size = static_cast<u_int32_t>(bytes.size());
    return made;
}

std::string bytes_of(const DBT& record) {
    return {static_cast<const char*>(record.data), record.size};
}

std::unexpected<Error> failure(const std::string& what, int code) {
    return temporary(what + ": " + db_strerror(code));
}

}  // namespace

struct DurableMap::Handles {
    ~Handles() {
        if (db) db->close(db, 0);
        if (env) env->txn_checkpoint(env, 0, 0, DB_FORCE);
        if (env) env->close(env, 0);
    }
    Result<void> open(const std::string& path, DBTYPE type);

    DB_ENV* env = nullptr;
    DB* db = nullptr;
};

Result<void> DurableMap::Handles::open(const std::string& path, DBTYPE type) {
    const std::string home = path + ".env";
    if (::mkdir(home.c_str(), 0700) < 0 && errno != EEXIST) return system_error("mkdir " + home);
    int code = db_env_create(&env, 0);
    if (code != 0) return failure("database environment", code);
    // Errors are ours to word; Berkeley DB would write to standard error.
    env->set_errfile(env, nullptr);
    env->set_errcall(env, [](const DB_ENV*, const char*, const char*) {});
    env->set_cachesize(env, 0, kMemory, 1);
    env->log_set_config(env, DB_LOG_AUTO_REMOVE, 1);
    env->set_flags(env, DB_TXN_WRITE_NOSYNC, 1);
    code = env->open(env, home.c_str(),
                     DB_CREATE | DB_INIT_MPOOL | DB_INIT_LOG | DB_INIT_TXN | DB_INIT_LOCK |
                         DB_RECOVER | DB_PRIVATE,
                     0600);
    if (code != 0) return failure("open " + home, code);
    code = db_create(&db, env, 0);
    const std::string file = path + ".db";
    if (code == 0)
        code = db->open(db, nullptr, file.c_str(), nullptr, type, DB_CREATE | DB_AUTO_COMMIT, 0600);
    if (code != 0) return failure("open " + file, code);
    return {};
}

DurableMap::DurableMap(std::unique_ptr<Handles> handles) : handles_(std::move(handles)) {}
DurableMap::~DurableMap() = default;

Result<std::unique_ptr<DurableMap>> DurableMap::open(const std::string& name) {
    const std::size_t colon = name.find(':');
    const std::string kind = name.substr(0, colon);
    if (colon == std::string::npos || (kind != "btree" && kind != "hash"))
        return permanent("\"" + name + "\" is no btree: or hash: file");
    std::string path = name.substr(colon + 1);
    const DBTYPE type = kind == "btree" ? DB_BTREE : DB_HASH;
    auto handles = std::make_unique<Handles>();
    const Result<void> opened = handles->open(path, type);
    if (!opened) {
        log_warning(opened.error().text + "; set aside, and begun anew");
        handles = std::make_unique<Handles>();
        for (const char* suffix : {".db", ".env"})
            ::rename((path + suffix).c_str(), (path + ".damaged" + suffix).c_str());
        TRY_VOID(handles->open(path, type));
    }
    return std::unique_ptr<DurableMap>(new DurableMap(std::move(handles)));
}

Result<std::optional<std::string>> DurableMap::get(std::string_view key) {
    DBT wanted = dbt(key);
    DBT found{};
    const int code = handles_->db->get(handles_->db, nullptr, &wanted, &found, 0);
    if (code == DB_NOTFOUND) return std::optional<std::string>();
    if (code != 0) return failure("database", code);
    return bytes_of(found);
}

Result<void> DurableMap::put(std::string_view key, std::string_view value) {
    DBT at = dbt(key);
    DBT what = dbt(value);
    const int code = handles_->db->put(handles_->db, nullptr, &at, &what, 0);
    if (code != 0) return failure("database", code);
    return {};
}

Result<void> DurableMap::erase(std::string_view key) {
    DBT at = dbt(key);
    const int code = handles_->db->del(handles_->db, nullptr, &at, 0);
    if (code != 0 && code != DB_NOTFOUND) return failure("database", code);
    return {};
}

Result<std::optional<std::string>> DurableMap::each(
    const std::string& after, std::size_t limit,
    const std::function<void(const std::string& key, const std::string& value)>& found) {
    DBC* cursor = nullptr;
    int code = handles_->db->cursor(handles_->db, nullptr, &cursor, 0);
    if (code != 0) return failure("database", code);
    DBT key = dbt(after);
    DBT value{};
    code = cursor->get(cursor, &key, &value, after.empty() ? DB_FIRST : DB_SET_RANGE);
    if (code == 0 && !after.empty() && bytes_of(key) == after)
        code = cursor->get(cursor, &key, &value, DB_NEXT);
    std::optional<std::string> last;
    for (; code == 0 && limit > 0; --limit) {
        last = bytes_of(key);
        found(*last, bytes_of(value));
        code = cursor->get(cursor, &key, &value, DB_NEXT);
    }
    cursor->close(cursor);
    if (code != 0 && code != DB_NOTFOUND) return failure("database", code);
    if (code == DB_NOTFOUND) last.reset();
    return last;
}

void DurableMap::checkpoint() {
    handles_->env->txn_checkpoint(handles_->env, 0, 0, 0);
}

}  // namespace facteur::policyd
