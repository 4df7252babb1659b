// pgsql: through libpq.
#include <chrono>

#include <libpq-fe.h>
#include <poll.h>

#include "lib/table/module.h"

namespace {

using namespace facteur;
using namespace facteur::table;
using Clock = std::chrono::steady_clock;

struct Answer {
    explicit Answer(PGresult* answer) : handle(answer) {}
    ~Answer() { PQclear(handle); }
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;
    PGresult* handle;
};

std::string first_line(const char* text) {
    const std::string whole(text ? text : "");
    return whole.substr(0, whole.find('\n'));
}

bool wait_for(int fd, short events, Clock::time_point deadline) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    pollfd entry{fd, events, 0};
    return poll(&entry, 1, static_cast<int>(left)) > 0;
}

class PgsqlSession : public Session {
public:
    ~PgsqlSession() override { PQfinish(connection_); }

    Result<void> open(const Place& place, const ModuleOptions& options);
    Result<std::string> quote(std::string_view text) override {
        std::string out(text.size() * 2 + 1, '\0');
        int wrong = 0;
        out.resize(PQescapeStringConn(connection_, out.data(), text.data(), text.size(), &wrong));
        if (wrong != 0) return permanent(first_line(PQerrorMessage(connection_)));
        return out;
    }
    Result<Rows> ask(const std::vector<std::string>& statement) override;

private:
    Result<void> wait_connected(Clock::time_point deadline);
    Result<Rows> rows_of(const PGresult* answer) const;
    std::unexpected<Error> broken() const {
        return temporary(first_line(PQerrorMessage(connection_)));
    }

    PGconn* connection_ = nullptr;
    std::chrono::seconds timeout_{10};
};

Result<void> PgsqlSession::wait_connected(Clock::time_point deadline) {
    for (auto state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK;
         state = PQconnectPoll(connection_)) {
        if (state == PGRES_POLLING_FAILED) return broken();
        const short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (!wait_for(PQsocket(connection_), events, deadline))
            return temporary("no connection in time");
    }
    return {};
}

// pgsql_table(5) "hosts": unix:/folder, inet:host:port, host:port, postgresql://URI.
Result<void> PgsqlSession::open(const Place& place, const ModuleOptions& options) {
    timeout_ = std::chrono::seconds(place.timeout);
    std::vector<std::pair<std::string, std::string>> words;
    std::string host = place.host;
    const bool is_uri = host.starts_with("postgresql://") || host.starts_with("postgres://");
    if (is_uri) {
        words.emplace_back("dbname", host);
    } else if (host.starts_with("unix:")) {
        words.emplace_back("host", host.substr(5));
    } else {
        if (host.starts_with("inet:")) host = host.substr(5);
        const auto colon = host.rfind(':');
        const bool bare_ipv6 = host.find(':') != colon && host.back() != ']' && host[0] != '[';
        if (colon != std::string::npos && !bare_ipv6 &&
            host.find(']', colon) == std::string::npos) {
            words.emplace_back("port", host.substr(colon + 1));
            host.resize(colon);
        }
        if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
        words.emplace_back("host", host);
    }
    for (const auto& [name, parameter] :
         {std::pair("user", "user"), std::pair("password", "password"),
          std::pair("dbname", "dbname")}) {
        std::string value = option(options, name);
        if (!value.empty() && (!is_uri || std::string_view(name) != "dbname"))
            words.emplace_back(parameter, std::move(value));
    }
    std::vector<const char*> names;
    std::vector<const char*> values;
    for (const auto& [name, value] : words) {
        names.push_back(name.c_str());
        values.push_back(value.c_str());
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
    connection_ = PQconnectStartParams(names.data(), values.data(), is_uri ? 1 : 0);
    if (!connection_) return temporary("out of memory");
    if (PQstatus(connection_) == CONNECTION_BAD) return broken();
    if (auto ready = wait_connected(Clock::now() + timeout_); !ready) return ready;
    // Postfix does the same: what is asked is bytes, not letters of a locale.
    const std::string encoding = option(options, "encoding");
    PQsetClientEncoding(connection_, encoding.empty() ? "UTF8" : encoding.c_str());
    return {};
}

Result<Rows> PgsqlSession::rows_of(const PGresult* answer) const {
    const auto status = PQresultStatus(answer);
    if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
        const std::string text = first_line(PQresultErrorMessage(answer));
        if (PQstatus(connection_) == CONNECTION_BAD) return temporary(text);
        return permanent(text);
    }
    if (status != PGRES_TUPLES_OK) return permanent("the statement gives no rows");
    Rows rows;
    for (int i = 0; i < PQntuples(answer); ++i) {
        Row row;
        for (int j = 0; j < PQnfields(answer); ++j) {
            if (PQgetisnull(answer, i, j))
                row.emplace_back();
            else
                row.emplace_back(PQgetvalue(answer, i, j));
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

Result<Rows> PgsqlSession::ask(const std::vector<std::string>& statement) {
    const auto deadline = Clock::now() + timeout_;
    if (!PQsendQuery(connection_, statement.front().c_str())) return broken();
    Result<Rows> rows = permanent("the statement gives no rows");
    for (;;) {
        while (PQisBusy(connection_)) {
            if (!wait_for(PQsocket(connection_), POLLIN, deadline))
                return temporary("no answer in time");
            if (!PQconsumeInput(connection_)) return broken();
        }
        const Answer answer(PQgetResult(connection_));
        if (!answer.handle) return rows;
        rows = rows_of(answer.handle);
    }
}

Result<std::unique_ptr<Session>> connect_pgsql(const Place& place, const ModuleOptions& options) {
    auto session = std::make_unique<PgsqlSession>();
    if (auto opened = session->open(place, options); !opened)
        return std::unexpected(std::move(opened).error());
    return session;
}

}  // namespace

extern "C" {
extern const Module facteur_table_module __attribute__((visibility("default")));
const Module facteur_table_module{Module::kVersion, "user password dbname encoding", &connect_pgsql,
                                  nullptr};
}
