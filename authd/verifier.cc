#include "authd/verifier.h"

#include <algorithm>

#include <fmt/format.h>

#include "authd/user_name.h"
#include "lib/base/encoding.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/errors.h"
#include "lib/event/sleep.h"
#include "lib/sasl/mechanism.h"
#include "lib/sasl/password.h"

namespace facteur::authd {
namespace {

constexpr std::string_view kPasswdFile = "passwd-file:";
constexpr std::string_view kPam = "pam:";

/// A hash that no password has, at the price of the default scheme.
std::string unmatchable_hash() {
    auto unpadded = [](std::string bytes) {
        std::string text = base64_encode(bytes);
        return text.substr(0, text.find('='));
    };
    return fmt::format("{{ARGON2ID}}$argon2id$v=19$m=65536,t=3,p=1${}${}",
                       unpadded(random_bytes(16)), unpadded(random_bytes(32)));
}

Verdict not_accepted(std::string reason) {
    return Verdict{Verdict::Kind::rejected, "", std::move(reason)};
}
Verdict undecided(std::string reason) {
    return Verdict{Verdict::Kind::temporary, "", std::move(reason)};
}

/// What a right password is still refused for.
std::optional<Verdict> refusal(const sasl::PasswdEntry& entry, const Claim& claim) {
    if (entry.field("nologin")) return not_accepted("login disabled");
    if (const auto nets = entry.field("allow_nets"); nets && !nets->empty()) {
        if (!in_networks(claim.client_address, *nets)) return not_accepted("not from allow_nets");
    }
    return std::nullopt;
}

}  // namespace

Verifier::Verifier(const Settings& settings)
    : settings_(settings),
      turns_(static_cast<std::size_t>(settings.worker_max()), settings.hash_memory() / 1024),
      proven_(static_cast<std::size_t>(settings.cache_entries()), settings.cache_ttl()),
      last_resort_(unmatchable_hash()) {}

Result<std::unique_ptr<Verifier>> Verifier::create(const Settings& settings) {
    std::unique_ptr<Verifier> verifier(new Verifier(settings));
    for (std::string_view entry : settings.passdb()) {
        Passdb passdb;
        if (entry.starts_with(kPasswdFile)) {
            std::string path(entry.substr(kPasswdFile.size()));
            passdb.file = std::make_shared<PasswdDatabase>(std::move(path));
            verifier->files_.push_back(passdb.file);
        } else if (entry.starts_with(kPam) && entry.find('/') == std::string_view::npos) {
            passdb.pam_service = entry.substr(kPam.size());
            if (!verifier->pam_) verifier->pam_ = std::make_unique<Pam>();
        } else {
            return permanent(
                fmt::format("auth_passdb: {} is neither passwd-file:/path nor "
                            "pam:service",
                            printable(entry)));
        }
        verifier->passdbs_.push_back(std::move(passdb));
    }
    return verifier;
}

void Verifier::start_threads() {
    threads_ = std::make_unique<WorkerPool>(static_cast<std::size_t>(settings_.worker_max()));
}

std::string Verifier::normal_form(std::string_view login) {
    std::string user(login);
    if (!settings_.default_realm().empty() && user.find('@') == std::string::npos) {
        user += "@" + settings_.default_realm();
    }
    const Variables variables{user, "", ""};
    return settings_.username_format().empty() ? user
                                               : expand(settings_.username_format(), variables);
}

Task<Verdict> Verifier::verify(Scope& scope, Claim claim) {
    const TimePoint began = Loop::current().now();
    Verdict verdict;
    try {
        verdict = co_await try_all(scope, claim);
    } catch (const TimedOut&) {
        verdict = undecided("timed out");
    }
    sasl::wipe(claim.password);
    if (verdict.kind != Verdict::Kind::accepted) {
        const TimePoint answer_at = began + settings_.failure_delay();
        co_await Sleep(scope, answer_at);
    }
    co_return verdict;
}

Task<Verdict> Verifier::try_all(Scope& scope, Claim claim) {
    const std::string user = normal_form(claim.login);
    const bool possible = is_safe_user(user);
    Verdict verdict = not_accepted("unknown user");
    bool compared = false;
    for (const Passdb& passdb : passdbs_) {
        if (!possible) break;
        Verdict one;
        if (passdb.file) {
            one = co_await try_file(scope, *passdb.file, claim, user);
        } else {
            one = co_await try_pam(scope, passdb.pam_service, claim, user);
        }
        if (one.kind == Verdict::Kind::accepted) co_return one;
        if (one.reason.empty()) continue;  // not known there
        compared = true;
        // Any passdb that could not be asked might have said yes.
        if (verdict.kind != Verdict::Kind::temporary) verdict = std::move(one);
    }
    if (!compared) {
        std::string stored;
        for (const auto& file : files_)
            if (stored.empty()) stored = file->stand_in(user);
        if (stored.empty()) stored = last_resort_;
        co_await compare(scope, std::move(stored), std::move(claim.password));
    }
    co_return verdict;
}

Task<Verdict> Verifier::try_file(Scope& scope, PasswdDatabase& file, const Claim& claim,
                                 std::string user) {
    auto found = file.find(user);
    if (!found) co_return undecided(found.error().text);
    if (!*found) co_return not_accepted("");
    const sasl::PasswdEntry entry = **std::move(found);
    if (!proven_.knows(user, entry.password, claim.password)) {
        auto same = co_await compare(scope, entry.password, claim.password);
        if (!same && same.error().is_temporary()) co_return undecided(same.error().text);
        if (!same) {
            log_warning(fmt::format("passwd-file {}: user {}: {}", file.path(), printable(user),
                                    same.error().text));
            co_return not_accepted("unusable password hash");
        }
        if (!*same) co_return not_accepted("password mismatch");
        proven_.remember(user, entry.password, claim.password);
    }
    if (auto refused = refusal(entry, claim)) co_return *std::move(refused);
    co_return Verdict{Verdict::Kind::accepted, std::move(user), ""};
}

Task<Verdict> Verifier::try_pam(Scope& scope, const std::string& service, const Claim& claim,
                                std::string user) {
    const Turns::Turn turn = co_await turns_.take(scope, 0);
    auto same = co_await pam_->check(scope, service, user, claim.password, claim.client_address);
    if (!same) co_return undecided(same.error().text);
    if (!*same) co_return not_accepted("PAM refused");
    co_return Verdict{Verdict::Kind::accepted, std::move(user), ""};
}

Task<Result<bool>> Verifier::compare(Scope& scope, std::string stored, std::string password) {
    const Turns::Turn turn = co_await turns_.take(scope, sasl::password_memory_kib(stored));
    std::function<Result<bool>()> work = [&] {
        return sasl::verify_password(stored, password, settings_.default_scheme());
    };
    auto same = co_await threads_->run<Result<bool>>(std::move(work));
    sasl::wipe(password);
    co_return same;
}

}  // namespace facteur::authd
