#include <db.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/table/drivers.h"

namespace facteur::table {
namespace {

DBT dbt(std::string_view bytes) {
    DBT made{};
    made.data = const_cast<char*>(bytes.data());
    made.size = static_cast<u_int32_t>(bytes.size());
    return made;
}

std::string_view bytes_of(const DBT& record) {
    return {static_cast<const char*>(record.data), record.size};
}

Error berkeley_failure(const std::string& what, int code) {
    return Error{Error::Kind::temporary, "4.3.0", what + ": " + db_strerror(code)};
}

/// Owns a DB handle.
class Handle {
public:
    Handle() = default;
    ~Handle() { close(); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

    Result<void> open(const std::string& path, DBTYPE type, u_int32_t flags) {
        int code = db_create(&db_, nullptr, 0);
        if (code == 0) {
            // Errors are ours to word; Berkeley DB would write to standard error.
            db_->set_errfile(db_, nullptr);
            db_->set_errcall(db_, [](const DB_ENV*, const char*, const char*) {});
            db_->set_cachesize(db_, 0, (flags & DB_CREATE) ? 16u << 20 : 128u << 10, 0);
            code = db_->open(db_, nullptr, path.c_str(), nullptr, type, flags, 0644);
        }
        if (code != 0) return std::unexpected(berkeley_failure("open database " + path, code));
        return {};
    }
    int close() {
        if (!db_) return 0;
        const int code = db_->close(db_, 0);
        db_ = nullptr;
        return code;
    }
    DB* get() const { return db_; }

private:
    DB* db_ = nullptr;
};

class BerkeleyDatabase : public Database {
public:
    explicit BerkeleyDatabase(std::string path) : path_(std::move(path)) {}
    // The type in the file counts: sites rename btree files to hash and back.
    Result<void> open() { return handle_.open(path_, DB_UNKNOWN, DB_RDONLY); }

    Result<std::optional<std::string>> get(std::string_view key) override {
        DBT wanted = dbt(key);
        DBT found{};
        const int code = handle_.get()->get(handle_.get(), nullptr, &wanted, &found, 0);
        if (code == DB_NOTFOUND) return std::nullopt;
        if (code != 0) return std::unexpected(berkeley_failure("read " + path_, code));
        return std::string(bytes_of(found));
    }
    Result<void> each(
        const std::function<void(std::string_view, std::string_view)>& found) override {
        DBC* cursor = nullptr;
        int code = handle_.get()->cursor(handle_.get(), nullptr, &cursor, 0);
        if (code != 0) return std::unexpected(berkeley_failure("read " + path_, code));
        DBT key{};
        DBT value{};
        while ((code = cursor->get(cursor, &key, &value, DB_NEXT)) == 0)
            found(bytes_of(key), bytes_of(value));
        cursor->close(cursor);
        if (code != DB_NOTFOUND) return std::unexpected(berkeley_failure("read " + path_, code));
        return {};
    }
    int fd() const override {
        int fd = -1;
        handle_.get()->fd(handle_.get(), &fd);
        return fd;
    }

private:
    std::string path_;
    Handle handle_;
};

class BerkeleyWriter : public DatabaseWriter {
public:
    explicit BerkeleyWriter(std::string path) : path_(std::move(path)) {}
    Result<void> create(DBTYPE type) { return handle_.open(path_, type, DB_CREATE | DB_TRUNCATE); }

    Result<void> put(std::string_view key, std::string_view value) override {
        DBT stored_key = dbt(key);
        DBT stored_value = dbt(value);
        const int code = handle_.get()->put(handle_.get(), nullptr, &stored_key, &stored_value, 0);
        if (code != 0) return std::unexpected(berkeley_failure("write " + path_, code));
        return {};
    }
    Result<void> finish() override {
        int fd = -1;
        int code = handle_.get()->sync(handle_.get(), 0);
        if (code == 0) code = handle_.get()->fd(handle_.get(), &fd);
        if (code == 0 && fsync(fd) != 0) return system_error("fsync " + path_);
        if (code == 0) code = handle_.close();
        if (code != 0) return std::unexpected(berkeley_failure("write " + path_, code));
        return {};
    }

private:
    std::string path_;
    Handle handle_;
};

}  // namespace

Result<std::unique_ptr<Database>> open_berkeley(Format, const std::string& path) {
    auto database = std::make_unique<BerkeleyDatabase>(path);
    TRY_VOID(database->open());
    return database;
}

Result<std::unique_ptr<DatabaseWriter>> create_berkeley(Format format, const std::string& path) {
    auto writer = std::make_unique<BerkeleyWriter>(path);
    TRY_VOID(writer->create(format == Format::hash ? DB_HASH : DB_BTREE));
    return writer;
}

}  // namespace facteur::table
