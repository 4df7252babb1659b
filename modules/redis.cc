// redis: through hiredis.
#include <cstdlib>

#include <hiredis/hiredis.h>

#include "lib/table/module.h"

namespace {

using namespace facteur;
using namespace facteur::table;

struct Reply {
    explicit Reply(void* reply) : handle(static_cast<redisReply*>(reply)) {}
    ~Reply() {
        if (handle) freeReplyObject(handle);
    }
    Reply(const Reply&) = delete;
    Reply& operator=(const Reply&) = delete;
    redisReply* handle;
};

class RedisSession : public Session {
public:
    ~RedisSession() override {
        if (connection_) redisFree(connection_);
    }
    Result<void> open(const Place& place, const ModuleOptions& options);
    Result<std::string> quote(std::string_view text) override { return std::string(text); }
    Result<Rows> ask(const std::vector<std::string>& statement) override;

private:
    Result<void> greet(const ModuleOptions& options);
    redisContext* connection_ = nullptr;
};

Result<void> RedisSession::open(const Place& place, const ModuleOptions& options) {
    const timeval time{place.timeout, 0};
    std::string host = place.host;
    if (host.starts_with("unix:")) {
        connection_ = redisConnectUnixWithTimeout(host.c_str() + 5, time);
    } else {
        if (host.starts_with("inet:")) host = host.substr(5);
        int port = 6379;
        const auto colon = host.rfind(':');
        if (colon != std::string::npos && host.find(']', colon) == std::string::npos) {
            port = std::atoi(host.c_str() + colon + 1);
            host.resize(colon);
        }
        if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
        connection_ = redisConnectWithTimeout(host.c_str(), port, time);
    }
    if (!connection_) return temporary("out of memory");
    if (connection_->err != 0) return temporary(place.host + ": " + connection_->errstr);
    redisSetTimeout(connection_, time);
    return greet(options);
}

Result<void> RedisSession::greet(const ModuleOptions& options) {
    const std::string user = option(options, "user");
    const std::string password = option(options, "password");
    const std::string database = option(options, "database");
    std::vector<std::vector<std::string>> commands;
    if (!password.empty() && user.empty()) commands.push_back({"AUTH", password});
    if (!password.empty() && !user.empty()) commands.push_back({"AUTH", user, password});
    if (!database.empty()) commands.push_back({"SELECT", database});
    for (const auto& command : commands) {
        auto answer = ask(command);
        // A wrong password mends itself no sooner than a server that is down.
        if (!answer) return temporary(std::move(answer).error().text);
    }
    return {};
}

Result<Rows> RedisSession::ask(const std::vector<std::string>& statement) {
    std::vector<const char*> words;
    std::vector<std::size_t> sizes;
    for (const std::string& word : statement) {
        words.push_back(word.data());
        sizes.push_back(word.size());
    }
    const Reply reply(
        redisCommandArgv(connection_, static_cast<int>(words.size()), words.data(), sizes.data()));
    if (!reply.handle) return temporary(connection_->errstr);
    Rows rows;
    switch (reply.handle->type) {
        case REDIS_REPLY_ERROR:
            return permanent(std::string(reply.handle->str, reply.handle->len));
        case REDIS_REPLY_STRING:
        case REDIS_REPLY_STATUS:
            rows.push_back({std::string(reply.handle->str, reply.handle->len)});
            break;
        case REDIS_REPLY_INTEGER:
            rows.push_back({std::to_string(reply.handle->integer)});
            break;
        case REDIS_REPLY_ARRAY:
            for (std::size_t i = 0; i < reply.handle->elements; ++i) {
                const redisReply* each = reply.handle->element[i];
                if (each->type == REDIS_REPLY_STRING)
                    rows.push_back({std::string(each->str, each->len)});
            }
            break;
        default:
            break;
    }
    return rows;
}

Result<std::unique_ptr<Session>> connect_redis(const Place& place, const ModuleOptions& options) {
    auto session = std::make_unique<RedisSession>();
    if (auto opened = session->open(place, options); !opened)
        return std::unexpected(std::move(opened).error());
    return session;
}

}  // namespace

extern "C" {
extern const Module facteur_table_module __attribute__((visibility("default")));
const Module facteur_table_module{Module::kVersion, "user password database", &connect_redis,
                                  nullptr};
}
