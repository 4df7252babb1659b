#include <lmdb.h>

#include "lib/table/drivers.h"

namespace facteur::table {
namespace {

Error lmdb_failure(const std::string& what, int code) {
    return Error{Error::Kind::temporary, "4.3.0", what + ": " + mdb_strerror(code)};
}

MDB_val val(std::string_view bytes) {
    return MDB_val{bytes.size(), const_cast<char*>(bytes.data())};
}

std::string_view record_bytes(const MDB_val& record) {
    return {static_cast<const char*>(record.mv_data), record.mv_size};
}

/// Owns an environment, with the one database in it.
class Environment {
public:
    Environment() = default;
    ~Environment() { close(); }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

    int open(const std::string& path, unsigned flags, std::size_t size) {
        int code = mdb_env_create(&env_);
        if (code == 0 && size > 0) code = mdb_env_set_mapsize(env_, size);
        if (code == 0) code = mdb_env_open(env_, path.c_str(), flags | MDB_NOSUBDIR, 0644);
        return code;
    }
    void close() {
        if (env_) mdb_env_close(env_);
        env_ = nullptr;
    }
    MDB_env* get() const { return env_; }

private:
    MDB_env* env_ = nullptr;
};

/// Owns a transaction; gives up what was not committed.
class Transaction {
public:
    Transaction() = default;
    ~Transaction() {
        if (txn_) mdb_txn_abort(txn_);
    }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    int begin(MDB_env* env, unsigned flags) {
        int code = mdb_txn_begin(env, nullptr, flags, &txn_);
        if (code == 0) code = mdb_dbi_open(txn_, nullptr, 0, &dbi_);
        return code;
    }
    int commit() {
        const int code = mdb_txn_commit(txn_);
        txn_ = nullptr;
        return code;
    }
    MDB_txn* get() const { return txn_; }
    MDB_dbi dbi() const { return dbi_; }

private:
    MDB_txn* txn_ = nullptr;
    MDB_dbi dbi_ = 0;
};

class LmdbDatabase : public Database {
public:
    explicit LmdbDatabase(std::string path) : path_(std::move(path)) {}
    // Postfix does its own locking (flock), so lock.mdb is neither needed nor writable here.
    Result<void> open() {
        const int code = environment_.open(path_, MDB_RDONLY | MDB_NOLOCK, 0);
        if (code != 0) return std::unexpected(lmdb_failure("open database " + path_, code));
        return {};
    }
    Result<std::optional<std::string>> get(std::string_view key) override {
        Transaction transaction;
        int code = transaction.begin(environment_.get(), MDB_RDONLY);
        MDB_val wanted = val(key);
        MDB_val found{};
        if (code == 0) code = mdb_get(transaction.get(), transaction.dbi(), &wanted, &found);
        if (code == MDB_NOTFOUND || code == MDB_BAD_VALSIZE) return std::nullopt;
        if (code != 0) return std::unexpected(lmdb_failure("read " + path_, code));
        return std::string(record_bytes(found));
    }
    Result<void> each(
        const std::function<void(std::string_view, std::string_view)>& found) override {
        Transaction transaction;
        int code = transaction.begin(environment_.get(), MDB_RDONLY);
        MDB_cursor* cursor = nullptr;
        if (code == 0) code = mdb_cursor_open(transaction.get(), transaction.dbi(), &cursor);
        if (code != 0) return std::unexpected(lmdb_failure("read " + path_, code));
        MDB_val key{};
        MDB_val value{};
        while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0)
            found(record_bytes(key), record_bytes(value));
        mdb_cursor_close(cursor);
        if (code != MDB_NOTFOUND) return std::unexpected(lmdb_failure("read " + path_, code));
        return {};
    }
    int fd() const override {
        int fd = -1;
        mdb_env_get_fd(environment_.get(), &fd);
        return fd;
    }

private:
    std::string path_;
    Environment environment_;
};

class LmdbWriter : public DatabaseWriter {
public:
    explicit LmdbWriter(std::string path) : path_(std::move(path)) {}
    Result<void> create() {
        int code = environment_.open(path_, MDB_NOLOCK, kMapSize);
        if (code == 0) code = transaction_.begin(environment_.get(), 0);
        if (code != 0) return std::unexpected(lmdb_failure("create database " + path_, code));
        return {};
    }
    Result<void> put(std::string_view key, std::string_view value) override {
        MDB_val stored_key = val(key);
        MDB_val stored_value = val(value);
        const int code =
            mdb_put(transaction_.get(), transaction_.dbi(), &stored_key, &stored_value, 0);
        if (code != 0) return std::unexpected(lmdb_failure("write " + path_, code));
        return {};
    }
    Result<void> finish() override {
        int code = transaction_.commit();
        if (code == 0) code = mdb_env_sync(environment_.get(), 1);
        environment_.close();
        if (code != 0) return std::unexpected(lmdb_failure("write " + path_, code));
        return {};
    }

private:
    /// Address space, not disk: the largest table that can be made.
    static constexpr std::size_t kMapSize = std::size_t{16} << 30;
    std::string path_;
    Environment environment_;
    Transaction transaction_;
};

}  // namespace

Result<std::unique_ptr<Database>> open_lmdb(const std::string& path) {
    auto database = std::make_unique<LmdbDatabase>(path);
    TRY_VOID(database->open());
    return database;
}

Result<std::unique_ptr<DatabaseWriter>> create_lmdb(const std::string& path) {
    auto writer = std::make_unique<LmdbWriter>(path);
    TRY_VOID(writer->create());
    return writer;
}

}  // namespace facteur::table
