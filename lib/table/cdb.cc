#include <cdb.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/table/drivers.h"

namespace facteur::table {
namespace {

constexpr std::size_t kLargest = 0xffffffff;  // the format counts in 32 bits

std::string_view bytes_at(const void* bytes, unsigned size) {
    return {static_cast<const char*>(bytes), bytes ? size : 0};
}

class CdbDatabase : public Database {
public:
    explicit CdbDatabase(Fd file) : file_(std::move(file)) {}
    ~CdbDatabase() override {
        if (open_) cdb_free(&cdb_);
    }
    Result<void> open(const std::string& path) {
        path_ = path;
        if (cdb_init(&cdb_, file_.get()) != 0) return system_error("open database " + path);
        open_ = true;
        return {};
    }
    Result<std::optional<std::string>> get(std::string_view key) override {
        if (key.size() > kLargest) return std::nullopt;
        const int code = cdb_find(&cdb_, key.data(), static_cast<unsigned>(key.size()));
        if (code == 0) return std::nullopt;
        const void* value = code > 0 ? cdb_getdata(&cdb_) : nullptr;
        if (!value) return system_error("read " + path_);
        return std::string(bytes_at(value, cdb_datalen(&cdb_)));
    }
    Result<void> each(
        const std::function<void(std::string_view, std::string_view)>& found) override {
        unsigned place = 0;
        cdb_seqinit(&place, &cdb_);
        int code = 0;
        while ((code = cdb_seqnext(&place, &cdb_)) > 0) {
            found(bytes_at(cdb_getkey(&cdb_), cdb_keylen(&cdb_)),
                  bytes_at(cdb_getdata(&cdb_), cdb_datalen(&cdb_)));
        }
        if (code < 0) return system_error("read " + path_);
        return {};
    }
    int fd() const override { return file_.get(); }

private:
    Fd file_;
    std::string path_;
    cdb cdb_{};
    bool open_ = false;
};

class CdbWriter : public DatabaseWriter {
public:
    CdbWriter(Fd file, std::string path) : file_(std::move(file)), path_(std::move(path)) {
        cdb_make_start(&make_, file_.get());
    }
    ~CdbWriter() override {
        // The library frees its memory only here.
        if (!finished_) cdb_make_finish(&make_);
    }
    Result<void> put(std::string_view key, std::string_view value) override {
        if (key.size() > kLargest || value.size() > kLargest)
            return permanent(path_ + ": an entry is too large");
        if (cdb_make_add(&make_, key.data(), static_cast<unsigned>(key.size()), value.data(),
                         static_cast<unsigned>(value.size())) != 0)
            return system_error("write " + path_);
        return {};
    }
    Result<void> finish() override {
        finished_ = true;
        if (cdb_make_finish(&make_) != 0 || ::fsync(file_.get()) != 0)
            return system_error("write " + path_);
        return {};
    }

private:
    Fd file_;
    std::string path_;
    cdb_make make_{};
    bool finished_ = false;
};

}  // namespace

Result<std::unique_ptr<Database>> open_cdb(const std::string& path) {
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return system_error("open database " + path);
    auto database = std::make_unique<CdbDatabase>(std::move(file));
    TRY_VOID(database->open(path));
    return database;
}

Result<std::unique_ptr<DatabaseWriter>> create_cdb(const std::string& path) {
    Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!file) return system_error("create database " + path);
    return std::make_unique<CdbWriter>(std::move(file), path);
}

}  // namespace facteur::table
