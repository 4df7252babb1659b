#pragma once

#include <optional>
#include <string>

#include "lib/net/tls.h"

struct evp_pkey_st;

namespace facteur {

/// The signature that one handshake waits for.  The handshake runs as an OpenSSL ASYNC_JOB, which
/// is paused in the middle of the sign operation; the coroutine that drives it finds the question
/// here, has it answered, and lets the job go on.
struct RemoteSigning {
    std::optional<SignRequest> question;
    std::optional<Result<std::string>> answer;

    /// While this lives, sign operations of remote keys on this thread speak to `signing`.
    class Current {
    public:
        explicit Current(RemoteSigning& signing);
        ~Current();
        Current(const Current&) = delete;
        Current& operator=(const Current&) = delete;

    private:
        RemoteSigning* previous_;
    };
};

/// A private key without its private half: an EVP_PKEY of a provider of our own, whose sign
/// operation asks the current RemoteSigning.  Takes no ownership of `public_key`; nullptr when
/// OpenSSL refuses.
evp_pkey_st* make_remote_key(evp_pkey_st* public_key, std::string id);

}  // namespace facteur
