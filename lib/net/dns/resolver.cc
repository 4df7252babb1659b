#include "lib/net/dns/resolver.h"

#include <algorithm>
#include <unordered_map>

#include <idn2.h>

#include "lib/base/text.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/signal.h"
#include "lib/net/dns/ares_channel.h"
#include "lib/net/dns/cache.h"

namespace facteur::dns {
namespace {

constexpr int kMaxAliases = 8;
constexpr std::size_t kMaxPtrNames = 5;

/// Lower case, ASCII, without the final dot; nothing for what cannot be a name.
std::optional<std::string> ascii_name(std::string name) {
    if (name.ends_with('.')) name.pop_back();
    if (name.empty() || name.size() > 1000) return std::nullopt;
    bool ascii = std::ranges::all_of(name, [](char c) { return c > 0; });
    if (ascii) return to_lower(name);
    char* converted = nullptr;
    if (::idn2_to_ascii_8z(name.c_str(), &converted, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) !=
        IDN2_OK) {
        return std::nullopt;
    }
    std::string result = to_lower(converted);
    ::idn2_free(converted);
    return result;
}

/// RFC 6761 section 6.3: localhost is this host, whatever the name service says.
std::optional<Answer> well_known(const std::string& name, Type type) {
    if (name != "localhost" && !name.ends_with(".localhost")) return std::nullopt;
    Answer answer;
    answer.canonical = name;
    Record record;
    record.owner = name;
    record.type = type;
    if (type == Type::a) record.data = Address::from_ip("127.0.0.1")->bytes();
    if (type == Type::aaaa) record.data = Address::from_ip("::1")->bytes();
    if (record.data.empty()) return answer;
    answer.status = Answer::Status::found;
    answer.records.push_back(std::move(record));
    return answer;
}

class AresResolver : public Resolver {
public:
    AresResolver(std::unique_ptr<AresChannel> channel, const Options& options)
        : channel_(std::move(channel)), options_(options), cache_(options.cache_entries) {}

    Task<Result<Answer>> query(Scope& scope, std::string name, Type type,
                               TimePoint deadline) override;

private:
    /// One question on its way; shared by those who wait for it and by the callback.
    struct Question {
        std::optional<Result<Answer>> answer;
        Signal answered;
    };
    using Shared = std::shared_ptr<Question>;

    Task<Result<Answer>> ask(Scope& scope, std::string name, Type type, TimePoint deadline);
    Shared start(const std::string& key, const std::string& name, Type type);
    void keep(const std::string& key, const Answer& answer);

    std::unique_ptr<AresChannel> channel_;
    Options options_;
    Cache cache_;
    std::unordered_map<std::string, Shared> questions_;
};

void AresResolver::keep(const std::string& key, const Answer& answer) {
    auto most = answer.found() ? options_.cache_most : options_.cache_no;
    auto time = std::min(most, Seconds(answer.ttl));
    if (time.count() > 0) cache_.add(key, answer, Loop::current().now() + time);
}

AresResolver::Shared AresResolver::start(const std::string& key, const std::string& name,
                                         Type type) {
    auto question = std::make_shared<Question>();
    questions_[key] = question;
    auto done = [this, question, key, name, type](std::string_view reply) {
        Result<Answer> answer = std::unexpected(try_again(name, type));
        if (!reply.empty()) answer = parse_reply(reply, name, type);
        if (answer) keep(key, *answer);
        question->answer.emplace(std::move(answer));
        question->answered.notify_all();
        questions_.erase(key);
    };
    if (!channel_->ask(name, type, done)) {
        Answer none;
        none.status = Answer::Status::no_name;
        question->answer.emplace(std::unexpected(not_found(none, name, type)));
        questions_.erase(key);
    }
    return question;
}

Task<Result<Answer>> AresResolver::ask(Scope& scope, std::string name, Type type,
                                       TimePoint deadline) {
    std::string key = std::to_string(static_cast<unsigned>(type)) + " " + name;
    if (const Answer* known = cache_.find(key, Loop::current().now())) co_return *known;
    auto found = questions_.find(key);
    Shared question = found != questions_.end() ? found->second : start(key, name, type);
    try {
        while (!question->answer)
            co_await question->answered.wait(scope, deadline);
    } catch (const TimedOut&) {
        co_return std::unexpected(try_again(name, type));
    }
    co_return *question->answer;
}

Task<Result<Answer>> AresResolver::query(Scope& scope, std::string name, Type type,
                                         TimePoint deadline) {
    auto ascii = ascii_name(name);
    if (!ascii) {
        Answer none;
        none.status = Answer::Status::no_name;
        co_return std::unexpected(not_found(none, name, type));
    }
    if (auto known = well_known(*ascii, type)) co_return *std::move(known);
    std::string next = *ascii;
    bool authentic = true;
    std::uint32_t ttl = 0x7fffffff;
    // An authoritative server leaves the end of a CNAME in another zone to us.
    for (int aliases = 0; aliases < kMaxAliases; ++aliases) {
        Result<Answer> answer = co_await ask(scope, next, type, deadline);
        if (!answer) co_return answer;
        authentic = authentic && answer->authentic;
        ttl = std::min(ttl, answer->ttl);
        answer->authentic = authentic;
        answer->ttl = ttl;
        if (!answer->dangling) co_return answer;
        next = answer->canonical;
    }
    co_return std::unexpected(try_again(name, type));
}

}  // namespace

Result<std::unique_ptr<Resolver>> make_resolver(const Options& options) {
    TRY(auto channel, AresChannel::create(options));
    return std::make_unique<AresResolver>(std::move(channel), options);
}

namespace {

void add_addresses(const Answer& answer, Hosts& hosts) {
    for (const Record& record : answer.records)
        hosts.addresses.push_back(Address::from_bytes(record.data));
    if (answer.found()) hosts.canonical = answer.canonical;
}

}  // namespace

Task<Result<Hosts>> addresses_of(Resolver& resolver, Scope& scope, std::string name, bool ipv4,
                                 bool ipv6, TimePoint deadline) {
    Hosts hosts;
    hosts.authentic = true;
    std::optional<Error> failure;
    for (Type type : {Type::aaaa, Type::a}) {
        if (!(type == Type::a ? ipv4 : ipv6)) continue;
        Result<Answer> answer = co_await resolver.query(scope, name, type, deadline);
        if (answer) {
            add_addresses(*answer, hosts);
            hosts.authentic = hosts.authentic && answer->authentic;
        }
        Error error = !answer ? answer.error() : not_found(*answer, name, type);
        bool good = answer && answer->found();
        // A failure that may pass weighs more than a "no".
        if (!good && (!failure || !failure->is_temporary())) failure = std::move(error);
    }
    if (!hosts.addresses.empty()) co_return hosts;
    if (!failure) failure = try_again(name, Type::a);
    co_return std::unexpected(*std::move(failure));
}

namespace {

/// RFC 1123 section 2.1, and the underscore that people use.
bool is_host_name(std::string_view name) {
    if (name.empty() || name.size() > 255) return false;
    for (std::string_view label : split(name, '.')) {
        if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') {
            return false;
        }
    }
    bool good = std::ranges::all_of(name, [](char c) {
        return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
    });
    // All digits would look like an address.
    return good && !std::ranges::all_of(name, [](char c) { return is_digit(c) || c == '.'; });
}

}  // namespace

Task<ClientName> client_name(Resolver& resolver, Scope& scope, Address address,
                             TimePoint deadline) {
    ClientName result;
    bool local = address.ip() == "127.0.0.1" || address.ip() == "::1";
    if (!address.is_ip() || local) {
        result.name = result.reverse = "localhost";
        result.status = ClientName::Status::verified;
        co_return result;
    }
    Result<Answer> names =
        co_await resolver.query(scope, address.reverse_name(), Type::ptr, deadline);
    if (!names) result.status = ClientName::Status::failed;
    if (!names || !names->found()) co_return result;
    bool ipv4 = address.family() == Address::Family::ipv4;
    bool failed = false;
    if (names->records.size() > kMaxPtrNames) names->records.resize(kMaxPtrNames);
    for (const Record& record : names->records) {
        if (!is_host_name(record.data)) continue;
        if (result.reverse == "unknown") result.reverse = record.data;
        Result<Hosts> hosts =
            co_await addresses_of(resolver, scope, record.data, ipv4, !ipv4, deadline);
        if (!hosts) {
            failed = failed || hosts.error().is_temporary();
            continue;
        }
        bool same = std::ranges::any_of(
            hosts->addresses, [&](const Address& one) { return one.bytes() == address.bytes(); });
        if (!same) continue;
        result.name = result.reverse = record.data;
        result.status = ClientName::Status::verified;
        co_return result;
    }
    result.status = failed ? ClientName::Status::failed : ClientName::Status::forged;
    co_return result;
}

}  // namespace facteur::dns
