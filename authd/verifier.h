#pragma once

#include <memory>
#include <string>
#include <vector>

#include "authd/database.h"
#include "authd/pam.h"
#include "authd/proven.h"
#include "authd/settings.h"
#include "authd/turns.h"
#include "lib/event/worker.h"

namespace facteur::authd {

/// Who claims to be whom, from where.
struct Claim {
    std::string login;  ///< as the client wrote it
    std::string password;
    std::string service;
    std::string client_address;
};

/// What became of a claim.
struct Verdict {
    enum class Kind { accepted, rejected, temporary };
    Kind kind = Kind::rejected;
    std::string user;    ///< accepted: the form that lookups want
    std::string reason;  ///< for the log
};

/// The passdbs in their order.  A claim is answered in the same time whether there is such a user
/// or not.
class Verifier {
public:
    /// Forks the PAM helper when a passdb needs it; Error: a wrong auth_passdb.
    static Result<std::unique_ptr<Verifier>> create(const Settings& settings);

    /// Never throws but Cancelled.
    Task<Verdict> verify(Scope& scope, Claim claim);
    /// Starts the worker threads: not before the sandbox is there.
    void start_threads();

    /// The user name as the databases have it.
    std::string normal_form(std::string_view login);
    const std::vector<std::shared_ptr<PasswdDatabase>>& files() const { return files_; }

private:
    struct Passdb {
        std::shared_ptr<PasswdDatabase> file;  ///< shared with the user lookups
        std::string pam_service;               ///< when file is null
    };
    explicit Verifier(const Settings& settings);

    Task<Verdict> try_all(Scope& scope, Claim claim);
    Task<Verdict> try_file(Scope& scope, PasswdDatabase& file, const Claim& claim,
                           std::string user);
    Task<Verdict> try_pam(Scope& scope, const std::string& service, const Claim& claim,
                          std::string user);
    Task<Result<bool>> compare(Scope& scope, std::string stored, std::string password);

    const Settings& settings_;
    std::vector<Passdb> passdbs_;
    std::vector<std::shared_ptr<PasswdDatabase>> files_;
    std::unique_ptr<Pam> pam_;
    std::unique_ptr<WorkerPool> threads_;
    Turns turns_;
    Proven proven_;
    std::string last_resort_;  ///< the stand-in hash where no file has one
};

}  // namespace facteur::authd
