// tcp:, socketmap: and memcache: speak protocols of a few lines.
#include <thread>

#include "lib/base/text.h"
#include "lib/config/param.h"
#include "lib/table/answers.h"
#include "lib/table/clients.h"
#include "lib/table/expansion.h"
#include "lib/table/plain_socket.h"

namespace facteur::table {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kTcpLine = 4096;           // tcp_table(5)
constexpr std::size_t kSocketmapReply = 100000;  // socketmap_table(5)

/// A server that is asked over one connection, which is opened when it is needed, and once more
/// when the server has closed it meanwhile.
class WireBackend : public Backend {
public:
    WireBackend(std::string place, std::chrono::milliseconds time)
        : place_(std::move(place)), time_(time) {}
    Found ask(const std::string& key) override {
        return attempt([&] { return exchange(key); });
    }

protected:
    virtual Found exchange(const std::string& key) = 0;
    PlainSocket& socket() { return *socket_; }

    Found attempt(const std::function<Found()>& work) {
        const bool used = socket_.has_value();
        Found found = once(work);
        if (!found && used) found = once(work);
        return found;
    }

private:
    Found once(const std::function<Found()>& work) {
        if (!socket_) {
            TRY(PlainSocket connected, PlainSocket::connect(place_, time_));
            socket_.emplace(std::move(connected));
        }
        socket_->set_time(time_);
        Found found = work();
        // After a failure nobody knows where the next reply begins.
        if (!found || socket_->has_input()) socket_.reset();
        return found;
    }

    std::string place_;
    std::chrono::milliseconds time_;
    std::optional<PlainSocket> socket_;
};

class TcpBackend : public WireBackend {
    using WireBackend::WireBackend;
    Found exchange(const std::string& key) override {
        TRY_VOID(socket().send("get " + percent_encoded(key) + "\n"));
        TRY(std::string line, socket().read_line(kTcpLine));
        return parse_tcp_reply(line);
    }
};

class SocketmapBackend : public WireBackend {
public:
    SocketmapBackend(std::string place, std::chrono::milliseconds time, std::string map)
        : WireBackend(std::move(place), time), map_(std::move(map)) {}

private:
    Found exchange(const std::string& key) override {
        TRY_VOID(socket().send(netstring(map_ + " " + key)));
        TRY(std::string digits, socket().read_until(':', 10));
        TRY(std::size_t size, parse_netstring_length(digits, kSocketmapReply));
        TRY(std::string text, socket().read_exactly(size + 1));
        if (text.back() != ',') return temporary("a reply that is no netstring");
        text.pop_back();
        return parse_socketmap_reply(text);
    }
    std::string map_;
};

struct MemcacheSettings {
    std::string place;
    std::string flags;
    std::int64_t ttl = 0;
    std::size_t data_limit = 0;
    std::size_t line_limit = 0;
    int tries = 0;
    std::chrono::seconds pause{1};
    std::chrono::seconds timeout{2};
    Expansion expansion;
};

class MemcacheBackend : public WireBackend {
public:
    explicit MemcacheBackend(std::shared_ptr<const MemcacheSettings> settings)
        : WireBackend(settings->place, settings->timeout), settings_(std::move(settings)) {}

    Found ask(const std::string& key) override {
        TRY(auto cache_key, key_for(key));
        if (!cache_key) return std::nullopt;
        return repeat([&] { return exchange(*cache_key); });
    }
    Found store(const std::string& key, const std::string& value) override {
        TRY(auto cache_key, key_for(key));
        if (!cache_key || value.size() > settings_->data_limit) return std::nullopt;
        return repeat([&] { return put(*cache_key, value); });
    }

private:
    // A key that memcached cannot have is not in it; it must not become two commands either.
    Result<std::optional<std::string>> key_for(const std::string& key) const {
        const auto as_is = [](std::string_view text) -> Result<std::string> {
            return std::string(text);
        };
        TRY(auto made, settings_->expansion.query(0, key, as_is));
        if (made && !is_memcache_key(*made)) return std::nullopt;
        return made;
    }
    Found repeat(const std::function<Found()>& work) {
        Found found = attempt(work);
        for (int i = 1; i < settings_->tries && !found; ++i) {
            std::this_thread::sleep_for(settings_->pause);
            found = attempt(work);
        }
        return found;
    }
    Found exchange(const std::string& key) override {
        TRY_VOID(socket().send("get " + key + "\r\n"));
        TRY(std::string line, line_of_reply());
        TRY(MemcacheHeader header, parse_memcache_header(line, key));
        if (!header.found) return std::nullopt;
        if (header.bytes > settings_->data_limit)
            return temporary("a value of more than data_size_limit");
        TRY(std::string value, socket().read_exactly(header.bytes + 2));
        if (!value.ends_with("\r\n")) return temporary("a value without its end");
        value.resize(header.bytes);
        TRY(std::string end, line_of_reply());
        if (end != "END") return temporary("unexpected reply \"" + printable(end, 60) + "\"");
        if (value.empty()) return std::nullopt;
        return value;
    }
    Found put(const std::string& key, const std::string& value) {
        TRY_VOID(socket().send("set " + key + " " + settings_->flags + " " +
                               std::to_string(settings_->ttl) + " " + std::to_string(value.size()) +
                               "\r\n" + value + "\r\n"));
        TRY(std::string line, line_of_reply());
        if (line != "STORED") return temporary("unexpected reply \"" + printable(line, 60) + "\"");
        return std::nullopt;
    }
    Result<std::string> line_of_reply() {
        TRY(std::string line, socket().read_line(settings_->line_limit));
        if (line.ends_with('\r')) line.pop_back();
        return line;
    }

    std::shared_ptr<const MemcacheSettings> settings_;
};

}  // namespace

std::unique_ptr<MatchList> domains_of(const ClientFile& file, Tables& tables) {
    const auto patterns = conf::parse_list(file.get("domain", ""));
    if (patterns.empty()) return nullptr;
    return std::make_unique<MatchList>(tables, patterns, false);
}

Result<std::unique_ptr<Client>> make_tcp_client(const std::string& name,
                                                std::chrono::seconds timeout) {
    if (name.rfind(':') == std::string::npos) return permanent("write tcp:host:port");
    auto client = std::make_unique<Client>();
    client->fold = false;
    client->patience = timeout;
    client->make = [name, timeout]() -> std::unique_ptr<Backend> {
        return std::make_unique<TcpBackend>("inet:" + name, timeout);
    };
    return client;
}

Result<std::unique_ptr<Client>> make_socketmap_client(const std::string& name,
                                                      std::chrono::seconds timeout) {
    const auto colon = name.rfind(':');
    const bool known = name.starts_with("inet:") || name.starts_with("unix:");
    if (!known || colon < 6 || colon + 1 == name.size())
        return permanent("write socketmap:inet:host:port:name or socketmap:unix:/path:name");
    auto client = std::make_unique<Client>();
    client->fold = false;
    client->patience = timeout;
    client->make = [place = name.substr(0, colon), map = name.substr(colon + 1),
                    timeout]() -> std::unique_ptr<Backend> {
        return std::make_unique<SocketmapBackend>(place, timeout, map);
    };
    return client;
}

Result<std::unique_ptr<Client>> make_memcache_client(const ClientFile& file, Tables& tables) {
    auto settings = std::make_shared<MemcacheSettings>();
    settings->place = file.get("memcache", "inet:localhost:11211");
    TRY(auto flags, file.number("flags", 0, 0, 0xffffffff));
    settings->flags = std::to_string(flags);
    TRY(settings->ttl, file.number("ttl", 3600, 0, 1L << 40));
    TRY(auto data, file.number("data_size_limit", 10240, 1, 1 << 24));
    TRY(auto line, file.number("line_size_limit", 1024, 64, 1 << 20));
    TRY(auto tries, file.number("max_try", 2, 1, 100));
    TRY(auto pause, file.seconds("retry_pause", 1));
    TRY(auto timeout, file.seconds("timeout", 2));
    settings->data_limit = static_cast<std::size_t>(data);
    settings->line_limit = static_cast<std::size_t>(line);
    settings->tries = static_cast<int>(tries);
    settings->pause = std::chrono::seconds(pause);
    settings->timeout = std::chrono::seconds(timeout);
    TRY_VOID(settings->expansion.add_query(file.get("key_format", "%s")));
    auto client = std::make_unique<Client>();
    client->domains = domains_of(file, tables);
    client->patience = settings->timeout * 2;
    client->make = [settings]() -> std::unique_ptr<Backend> {
        return std::make_unique<MemcacheBackend>(settings);
    };
    return client;
}

}  // namespace facteur::table
