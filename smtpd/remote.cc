#include "smtpd/remote.h"

#include <algorithm>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/milter/connect.h"
#include "smtpd/tls_choice.h"

namespace facteur::smtpd {

namespace {

constexpr std::size_t kMostAddresses = 20000;
/// A policyd that is not there must not hold up the mail for long.
constexpr Seconds kPolicyBudget{10};
/// The greeting does not wait longer for the client's name, when the name service is dead.
constexpr Seconds kNameBudget{10};
/// The question for room in the queue must not keep a client waiting while qmgr is replaced.
constexpr Seconds kRoomBudget{1};
/// An address lookup or a password check that takes longer has failed for the client.
constexpr Seconds kQuestionBudget{60};

TlsServerOptions tls_options(const Settings& settings, std::string authorities) {
    TlsServerOptions options;
    const bool demanded = settings.tls.level() == TlsLevel::encrypt;
    // What is wrong with it was told before the start (Gate::review).
    const auto versions = parse_tls_versions(demanded ? settings.tls.mandatory_protocols()
                                                      : settings.tls.protocols());
    if (versions) options.min_protocol = versions->oldest;
    if (versions) options.max_protocol = versions->newest;
    options.cipher_list = cipher_list(settings.tls);
    options.prefer_server_ciphers = settings.tls.prefer_server();
    options.ask_client_certificate = settings.tls.ask_ccert() || settings.tls.req_ccert();
    options.ca_pem = std::move(authorities);
    options.verify_depth = settings.tls.ccert_depth();
    options.fingerprint_digest = settings.tls.fingerprint_digest();
    options.curves = curves(settings.tls);
    options.ssl_options = ssl_options(settings.tls.ssl_options()).value_or(0);
    return options;
}

template <class Reply>
Result<Reply> message_of(Result<ipc::Packet<Reply>> answer) {
    if (!answer) return std::unexpected(std::move(answer).error());
    return std::move(answer->message);
}

}  // namespace

Remote::Remote(Scope& scope, const Settings& settings, std::unique_ptr<dns::Resolver> resolver,
               std::string authorities)
    : scope_(scope),
      settings_(settings),
      resolver_(std::move(resolver)),
      filtered_(*resolver_, "smtpd_dns_reply_filter",
                [this](std::string record) {
                    ipc::Lookup question;
                    question.tables = settings_.commands.dns_reply_filter();
                    question.key = std::move(record);
                    return lookup(std::move(question));
                }),
      addressd_(scope, "private/address", kQuestionBudget),
      policyd_(scope, "private/policy", kPolicyBudget),
      servers_(scope, "private/policy", settings.ipc_timeout()),
      authd_(scope, "private/auth", kQuestionBudget),
      qmgr_(scope, "private/queue", settings.limits.submit_timeout()),
      rooms_(scope, "private/queue", kRoomBudget),
      addresses_(addressd_, kMostAddresses),
      tls_(authd_, "smtp", tls_options(settings, std::move(authorities))) {}

dns::Resolver& Remote::names() {
    if (settings_.commands.dns_reply_filter().empty()) return *resolver_;
    return filtered_;
}

Task<Result<ipc::Classification>> Remote::classify(std::string address) {
    co_return co_await addresses_.find(scope_, std::move(address));
}

void Remote::expect(std::string_view address) {
    addresses_.expect(scope_, address);
}

Task<Result<std::optional<std::string>>> Remote::access(ipc::Access question) {
    CO_TRY(auto answer, co_await addressd_.call(std::move(question)));
    std::optional<std::string> value;
    if (answer.message.found) value = std::move(answer.message.value);
    co_return value;
}

Task<Result<std::vector<std::string>>> Remote::owners(std::string sender) {
    std::vector<std::string> names;
    ipc::Lookup question;
    question.tables = settings_.restrictions.login_maps();
    if (question.tables.empty()) co_return names;
    question.kind = ipc::LookupKey::address;
    question.key = std::move(sender);
    CO_TRY(auto answer, co_await addressd_.call(std::move(question)));
    for (const std::string_view name : words(answer.message.value))
        names.emplace_back(name);
    co_return names;
}

Task<Result<std::optional<std::string>>> Remote::lookup(ipc::Lookup question) {
    std::optional<std::string> value;
    if (question.tables.empty()) co_return value;
    CO_TRY(auto answer, co_await addressd_.call(std::move(question)));
    if (answer.message.found) value = std::move(answer.message.value);
    co_return value;
}

Task<Result<bool>> Remote::matches(ipc::Match question) {
    CO_TRY(auto answer, co_await addressd_.call(std::move(question)));
    co_return answer.message.matches;
}

Task<Result<ipc::LookupManyReply>> Remote::lookup_many(ipc::LookupMany question) {
    co_return message_of(co_await addressd_.call(std::move(question)));
}

Task<Result<ipc::RewriteHeaderReply>> Remote::rewrite_header(ipc::RewriteHeader question) {
    co_return message_of(co_await addressd_.call(std::move(question)));
}

Task<Result<ipc::Destination>> Remote::route(std::string sender, std::string address) {
    ipc::Resolve question;
    question.sender = std::move(sender);
    question.recipients.push_back(std::move(address));
    question.expanded = true;
    CO_TRY(auto answer, co_await addressd_.call(std::move(question)));
    for (ipc::Resolved& resolved : answer.message.recipients) {
        if (!resolved.destinations.empty()) co_return std::move(resolved.destinations.front());
    }
    co_return temporary("no route");
}

Task<Result<Fd>> Remote::connect(std::string place, TimePoint deadline) {
    co_return co_await milter::connect_to_place(scope_, names(), std::move(place), deadline);
}

Task<ClientName> Remote::client_name(Address client) {
    const TimePoint deadline = Loop::current().now() + kNameBudget;
    dns::ClientName found = co_await dns::client_name(names(), scope_, client, deadline);
    ClientName name;
    name.name = std::move(found.name);
    name.reverse = std::move(found.reverse);
    name.temporary = found.status == dns::ClientName::Status::failed;
    name.reverse_temporary = name.temporary && name.reverse == "unknown";
    co_return name;
}

Task<Result<std::vector<std::string>>> Remote::servers(std::string domain, Servers kind) {
    const dns::Type type = kind == Servers::ns ? dns::Type::ns : dns::Type::mx;
    auto answer = co_await names().query(scope_, std::move(domain), type);
    std::vector<std::string> names;
    if (!answer && answer.error().is_temporary()) co_return std::unexpected(answer.error());
    if (!answer) co_return names;  // a name that cannot exist
    std::stable_sort(answer->records.begin(), answer->records.end(),
                     [](const auto& a, const auto& b) { return a.preference < b.preference; });
    for (dns::Record& record : answer->records)
        names.push_back(std::move(record.data));
    co_return names;
}

Task<Result<std::vector<std::string>>> Remote::addresses(std::string host) {
    auto found = co_await dns::addresses_of(names(), scope_, std::move(host), true, true);
    std::vector<std::string> ips;
    if (!found && found.error().is_temporary()) co_return std::unexpected(found.error());
    if (!found) co_return ips;
    for (const Address& address : found->addresses)
        ips.push_back(address.ip());
    co_return ips;
}

Task<Result<Listing>> Remote::dns_list(std::string name) {
    CO_TRY(Listing listing, co_await listed_as(name, kNever));
    if (listing.addresses.empty()) co_return listing;
    auto reason = co_await names().query(scope_, name, dns::Type::txt);
    if (reason && reason->found()) listing.reason = reason->records.front().data;
    co_return listing;
}

Task<Result<Listing>> Remote::listed_as(std::string name, TimePoint deadline) {
    Listing listing;
    CO_TRY(dns::Answer found,
           co_await names().query(scope_, std::move(name), dns::Type::a, deadline));
    for (const dns::Record& record : found.records)
        listing.addresses.push_back(Address::from_bytes(record.data).ip());
    listing.ttl = found.ttl;
    co_return listing;
}

/// A policyd that does not answer is interested in everything.
Task<void> Remote::learn_interests() {
    if (interests_) co_return;
    auto answer = co_await policyd_.call(ipc::PolicyInterests());
    if (answer) interests_ = answer->message;
}

Task<Result<ipc::PolicyReply>> Remote::ask(ipc::Ask question) {
    co_await learn_interests();
    const auto moment = static_cast<unsigned>(question.moment);
    const bool counts = question.rate_limit > 0 || question.count_limit > 0;
    if (!counts && interests_ && (interests_->moments >> moment & 1) == 0)
        co_return ipc::PolicyReply();
    co_return message_of(co_await policyd_.call(std::move(question)));
}

Task<Result<std::uint64_t>> Remote::tell(ipc::Sessions sessions) {
    CO_TRY(auto answer, co_await policyd_.call(std::move(sessions)));
    co_return answer.message.generation;
}

Task<Result<std::string>> Remote::delegate(ipc::Delegate question) {
    CO_TRY(auto answer, co_await servers_.call(std::move(question)));
    co_return std::move(answer.message.action);
}

Task<Result<ipc::PolicyReply>> Remote::judge(ipc::Judge question, const Fd& content) {
    co_await learn_interests();
    if (interests_ && !interests_->content) co_return ipc::PolicyReply();
    std::vector<Fd> fds;
    fds.push_back(content.duplicate());
    if (!fds.front()) co_return system_error("dup");
    co_return message_of(co_await policyd_.call(std::move(question), std::move(fds)));
}

Task<Result<ipc::VerifyReply>> Remote::verify(ipc::Verify question) {
    co_return message_of(co_await servers_.call(std::move(question)));
}

Task<Result<ipc::ScreenRecord>> Remote::screened(std::string client_address) {
    ipc::ScreenQuestion question;
    question.client_address = std::move(client_address);
    co_return message_of(co_await policyd_.call(std::move(question)));
}

void Remote::remember_screened(ipc::ScreenRecord record) {
    scope_.spawn(send_record(std::move(record)));
}

Task<void> Remote::send_record(ipc::ScreenRecord record) {
    auto ignored = co_await policyd_.call(std::move(record));
    if (!ignored) log_warning("postscreen cache: " + ignored.error().text);
}

Task<Result<std::vector<std::string>>> Remote::sasl_mechanisms() {
    if (!mechanisms_.empty()) co_return mechanisms_;
    ipc::SaslMechanisms question;
    question.service = "smtp";
    CO_TRY(auto answer, co_await authd_.call(std::move(question)));
    mechanisms_ = std::move(answer.message.names);
    co_return mechanisms_;
}

Task<Result<ipc::SaslReply>> Remote::sasl(ipc::SaslStart question) {
    co_return message_of(co_await authd_.call(std::move(question)));
}

Task<Result<ipc::SaslReply>> Remote::sasl(ipc::SaslStep question) {
    co_return message_of(co_await authd_.call(std::move(question)));
}

Task<Result<bool>> Remote::reads_mail(std::string client_address) {
    ipc::RecentLogin question;
    question.client_address = std::move(client_address);
    CO_TRY(auto answer, co_await authd_.call(std::move(question)));
    co_return answer.message.recent;
}

void Remote::sasl_abort(std::uint64_t exchange) {
    scope_.spawn(send_abort(exchange));
}

Task<void> Remote::send_abort(std::uint64_t exchange) {
    ipc::SaslStep step;
    step.exchange = exchange;
    step.abort = true;
    auto ignored = co_await authd_.call(std::move(step));
    if (!ignored) log_debug("SASL abort: " + ignored.error().text);
}

Task<TlsServer*> Remote::tls() {
    Result<TlsServer*> server = co_await tls_.get();
    if (!server) {
        log_warning("TLS: " + server.error().text);
        co_return nullptr;
    }
    co_return *server;
}

/// The answer serves for all messages of this moment.  While qmgr is replaced none comes, and mail
/// is taken: it is the end of the data that needs qmgr.
Task<std::optional<ipc::RoomReply>> Remote::room() {
    constexpr Milliseconds kGood{500};
    constexpr Seconds kSilent{5};
    if (Loop::current().now() < room_until_) co_return room_;
    auto answer = co_await rooms_.call(ipc::Room());
    room_until_ = Loop::current().now() + kGood;
    if (!answer) {
        room_.reset();
        room_until_ = Loop::current().now() + kSilent;
        co_return room_;
    }
    room_ = std::move(answer->message);
    if (room_->refused) log_warning("no new mail is taken: " + room_->text);
    co_return room_;
}

Task<Result<ReservedFile>> Remote::reserve(std::string queue_id) {
    ipc::Reserve question;
    question.queue_id = std::move(queue_id);
    CO_TRY(auto answer, co_await qmgr_.call(std::move(question)));
    if (answer.fds.empty()) co_return temporary("queue sent no file");
    ReservedFile reserved;
    reserved.file = std::move(answer.fds.front());
    reserved.offset = answer.message.offset;
    co_return reserved;
}

void Remote::abandon(std::string queue_id) {
    scope_.spawn(send_abandon(std::move(queue_id)));
}

Task<void> Remote::send_abandon(std::string queue_id) {
    ipc::Abandon question;
    question.queue_id = std::move(queue_id);
    auto ignored = co_await qmgr_.call(std::move(question));
    if (!ignored) log_debug("queue: " + ignored.error().text);
}

Task<Result<void>> Remote::flush(ipc::FlushDestination order) {
    CO_TRY(auto answer, co_await qmgr_.call(std::move(order)));
    (void)answer;
    co_return Result<void>();
}

Task<Result<void>> Remote::submit(ipc::Submit message, Fd content) {
    std::vector<Fd> fds;
    if (content) fds.push_back(std::move(content));
    auto answer = co_await qmgr_.call(std::move(message), std::move(fds));
    if (!answer) co_return std::unexpected(std::move(answer).error());
    co_return Result<void>();
}

}  // namespace facteur::smtpd
