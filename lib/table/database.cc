#include "lib/table/database.h"

#include <sys/file.h>

#include "lib/base/text.h"
#include "lib/event/sleep.h"
#include "lib/table/drivers.h"

namespace facteur::table {

using namespace std::chrono_literals;

std::optional<Format> format_named(std::string_view type) {
    if (type == "hash") return Format::hash;
    if (type == "btree") return Format::btree;
    if (type == "lmdb") return Format::lmdb;
    if (type == "cdb") return Format::cdb;
    return std::nullopt;
}

std::string database_path(Format format, const std::string& name) {
    if (format == Format::lmdb) return name + ".lmdb";
    return name + (format == Format::cdb ? ".cdb" : ".db");
}

Result<std::unique_ptr<Database>> open_database(Format format, const std::string& path) {
    if (format == Format::lmdb) return open_lmdb(path);
    return format == Format::cdb ? open_cdb(path) : open_berkeley(format, path);
}

Result<std::unique_ptr<DatabaseWriter>> create_database(Format format, const std::string& path) {
    if (format == Format::lmdb) return create_lmdb(path);
    return format == Format::cdb ? create_cdb(path) : create_berkeley(format, path);
}

// Opens the file unless it is open and unchanged, and takes the shared lock.
Result<DatabaseTable::Held> DatabaseTable::hold() {
    for (int attempt = 0; attempt < 3; ++attempt) {
        const auto now = Stamp::of(path_);
        if (!now) {
            database_.reset();
            return trouble("open database " + path_ + ": no such file; make it with postmap");
        }
        if (!database_ || now != stamp_) {
            database_.reset();
            auto opened = open_database(format_, path_);
            if (!opened) return trouble(opened.error().text);
            database_ = *std::move(opened);
            stamp_ = now;
            trailing_nul_ = plain_ = true;
        }
        if (flock(database_->fd(), LOCK_SH | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK) return Held::busy;
            return trouble("cannot lock " + path_);
        }
        // Whoever wrote in place did so before we got the lock.
        if (Stamp::of(database_->fd()) == stamp_) return Held::yes;
        database_.reset();
    }
    return Held::busy;
}

Found DatabaseTable::find_held(std::string_view key) {
    std::string folded = fold_ ? to_lower(key) : std::string(key);
    // Postfix writes keys with their NUL, sendmail without; what was found once stays the rule.
    for (const bool nul : {true, false}) {
        if (!(nul ? trailing_nul_ : plain_)) continue;
        std::string stored = folded;
        if (nul) stored += '\0';
        auto value = database_->get(stored);
        if (!value) return trouble(value.error().text);
        if (!*value) continue;
        (nul ? plain_ : trailing_nul_) = false;
        if ((*value)->ends_with('\0')) (*value)->pop_back();
        return value;
    }
    return std::nullopt;
}

Found DatabaseTable::find(std::string_view key) {
    TRY(Held held, hold());
    if (held == Held::busy) return trouble("the file is being written");
    Found found = find_held(key);
    flock(database_->fd(), LOCK_UN);
    return found;
}

Task<Found> DatabaseTable::lookup(std::string key) {
    for (int wait = 0; wait < 500; ++wait) {
        auto held = hold();
        if (!held) co_return std::unexpected(std::move(held).error());
        if (*held == Held::yes) {
            Found found = find_held(key);
            flock(database_->fd(), LOCK_UN);
            co_return found;
        }
        if (!scope_) break;
        co_await Sleep(*scope_, 20ms);
    }
    co_return trouble("the file is being written");
}

}  // namespace facteur::table
