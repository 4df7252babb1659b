#include "authd/pam.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <security/pam_appl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/readiness.h"
#include "lib/ipc/datagram.h"
#include "lib/sasl/mechanism.h"
#include "lib/sasl/password.h"

namespace facteur::authd {
namespace {

constexpr std::size_t kRequestLimit = 4 * (sasl::kMaxField + 1);
constexpr std::chrono::seconds kDeadline{60};
constexpr unsigned kModuleSeconds = 55;  ///< after these the kernel ends a module that hangs

/// What the process that ran PAM writes: one byte.
enum Answer : char { accepted = 'A', rejected = 'R', failed = 'F' };

/// pam_conv: the password for every question without echo, the user for the others.
struct Conversation {
    std::string user;
    std::string password;
};

int converse(int count, const pam_message** messages, pam_response** responses, void* context) {
    if (count <= 0 || count > PAM_MAX_NUM_MSG) return PAM_CONV_ERR;
    const auto& self = *static_cast<Conversation*>(context);
    // PAM frees both the array and its strings with free(3).
    auto* out =
        static_cast<pam_response*>(::calloc(static_cast<std::size_t>(count), sizeof(pam_response)));
    if (!out) return PAM_BUF_ERR;
    for (int i = 0; i < count; ++i) {
        const int style = messages[i]->msg_style;
        if (style == PAM_PROMPT_ECHO_OFF) out[i].resp = ::strdup(self.password.c_str());
        if (style == PAM_PROMPT_ECHO_ON) out[i].resp = ::strdup(self.user.c_str());
    }
    *responses = out;
    return PAM_SUCCESS;
}

Answer ask_pam(const std::string& service, Conversation& who, const std::string& client) {
    const pam_conv conversation{&converse, &who};
    pam_handle_t* handle = nullptr;
    if (::pam_start(service.c_str(), who.user.c_str(), &conversation, &handle) != PAM_SUCCESS) {
        return failed;
    }
    ::pam_set_item(handle, PAM_RHOST, client.c_str());
    ::pam_set_item(handle, PAM_TTY, "facteur");
    // Its delay would tell unknown users from known ones; authd makes its own for both.
    ::pam_fail_delay(handle, 0);
    int code = ::pam_authenticate(handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
    if (code == PAM_SUCCESS) code = ::pam_acct_mgmt(handle, PAM_SILENT);
    ::pam_end(handle, code);
    switch (code) {
        case PAM_SUCCESS:
            return accepted;
        case PAM_ABORT:
        case PAM_SYSTEM_ERR:
        case PAM_SERVICE_ERR:
        case PAM_BUF_ERR:
        case PAM_CONV_ERR:
        case PAM_OPEN_ERR:
        case PAM_SYMBOL_ERR:
        case PAM_AUTHINFO_UNAVAIL:
            return failed;
        default:
            return rejected;
    }
}

[[noreturn]] void answer_one(const std::string& request, const Fd& reply) {
    ::alarm(kModuleSeconds);
    const auto parts = split(request, '\0');
    char answer = failed;
    if (parts.size() == 4) {
        Conversation who{std::string(parts[1]), std::string(parts[2])};
        answer = ask_pam(std::string(parts[0]), who, std::string(parts[3]));
    }
    [[maybe_unused]] ssize_t sent = ::send(reply.get(), &answer, 1, MSG_NOSIGNAL);
    ::_exit(0);
}

[[noreturn]] void run_helper(const Fd& socket) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    ::prctl(PR_SET_NAME, "authd-pam");
    ::signal(SIGTERM, SIG_DFL);
    ::signal(SIGHUP, SIG_IGN);
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGCHLD, SIG_IGN);
    // Neither master's socket nor a listening one may stay open in here.
    for (int fd = 3; fd < 1024; ++fd)
        if (fd != socket.get()) ::close(fd);
    for (;;) {
        auto datagram = ipc::receive_datagram(socket.get(), kRequestLimit);
        if (!datagram || datagram->end) ::_exit(0);
        if (datagram->fds.empty()) continue;
        const Fd reply = datagram->take_fd();
        std::string& request = datagram->bytes;
        const pid_t child = ::fork();
        if (child == 0) {
            ::signal(SIGCHLD, SIG_DFL);  // pam_unix waits for its own helper
            answer_one(request, reply);
        }
        sasl::wipe(request);
    }
}

}  // namespace

Pam::Pam() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        log_fatal("pam: no socket pair");
    }
    Fd theirs(ends[1]);
    helper_.reset(ends[0]);
    ::fcntl(helper_.get(), F_SETFL, O_NONBLOCK);  // a helper that stands still must not stop us
    const pid_t child = ::fork();
    if (child < 0) log_fatal("pam: cannot fork");
    if (child == 0) run_helper(theirs);
}

Task<Result<bool>> Pam::check(Scope& scope, std::string service, std::string user,
                              std::string password, std::string client_address) const {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
        co_return system_error("pam");
    }
    const Fd ours(ends[0]);
    Fd theirs(ends[1]);
    std::string request = service + '\0' + user + '\0' + password + '\0' + client_address;
    const bool sent = ipc::send_datagram(helper_.get(), request, theirs.get());
    sasl::wipe(request);
    theirs.reset();
    if (!sent) co_return system_error("pam: the helper is gone");
    Readiness readiness(ours.get());
    const auto deadline = Loop::current().now() + kDeadline;
    char answer = failed;
    for (;;) {
        const ssize_t got = ::recv(ours.get(), &answer, 1, 0);
        if (got == 1) break;
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            co_return temporary("pam: the helper process died");
        }
        readiness.would_block(Readiness::read);
        co_await readiness.wait(Readiness::read, scope, deadline);
    }
    if (answer == failed) co_return temporary("pam: service " + service + " failed");
    co_return answer == accepted;
}

}  // namespace facteur::authd
