#include "lib/sasl/mechanism.h"

#include <algorithm>

#include "lib/base/text.h"

namespace facteur::sasl {
namespace {

bool is_field(std::string_view text) {
    return text.size() <= kMaxField && text.find('\0') == std::string_view::npos;
}

/// RFC 4616: authorization NUL user NUL password, in one response.
class PlainServer : public ServerMechanism {
public:
    ServerStep step(std::optional<std::string_view> response) override {
        if (!response) return Challenge();
        auto parts = split(*response, '\0');
        if (parts.size() != 3) return Malformed{"PLAIN: not two NUL bytes"};
        if (parts[1].empty()) return Malformed{"PLAIN: no user name"};
        if (!std::ranges::all_of(parts, is_field)) return Malformed{"PLAIN: field too long"};
        return CheckPassword{std::string(parts[0]), std::string(parts[1]), std::string(parts[2])};
    }
};

/// The obsolete LOGIN mechanism (draft-murchison-sasl-login): two prompts.
class LoginServer : public ServerMechanism {
public:
    ServerStep step(std::optional<std::string_view> response) override {
        if (!response) return Challenge{"Username:"};
        if (!is_field(*response)) return Malformed{"LOGIN: field too long or with NUL"};
        if (!user_) {
            if (response->empty()) return Malformed{"LOGIN: no user name"};
            user_.emplace(*response);
            return Challenge{"Password:"};
        }
        return CheckPassword{"", *user_, std::string(*response)};
    }

private:
    std::optional<std::string> user_;
};

class PlainClient : public ClientMechanism {
public:
    explicit PlainClient(const Credentials& who) : who_(who) {}
    std::string_view name() const override { return "PLAIN"; }
    std::optional<std::string> initial_response() override {
        return std::string(1, '\0') + who_.user + '\0' + who_.password;
    }
    Result<std::string> respond(std::string_view) override {
        return permanent("PLAIN: the server asks for more", "5.7.8");
    }

private:
    Credentials who_;
};

class LoginClient : public ClientMechanism {
public:
    explicit LoginClient(const Credentials& who) : who_(who) {}
    std::string_view name() const override { return "LOGIN"; }
    std::optional<std::string> initial_response() override { return std::nullopt; }
    // The prompts differ between servers ("User Name", "VXNlcm5hbWU6"), the order does not.
    Result<std::string> respond(std::string_view) override {
        switch (step_++) {
            case 0:
                return who_.user;
            case 1:
                return who_.password;
            default:
                return permanent("LOGIN: the server asks for more", "5.7.8");
        }
    }

private:
    Credentials who_;
    int step_ = 0;
};

bool offers(std::span<const std::string_view> offered, std::string_view name) {
    return std::ranges::any_of(offered, [&](std::string_view o) { return iequals(o, name); });
}

}  // namespace

std::unique_ptr<ServerMechanism> make_server(std::string_view mechanism) {
    if (iequals(mechanism, "PLAIN")) return std::make_unique<PlainServer>();
    if (iequals(mechanism, "LOGIN")) return std::make_unique<LoginServer>();
    return nullptr;
}

std::unique_ptr<ClientMechanism> make_client(std::span<const std::string_view> offered,
                                             const Credentials& credentials) {
    if (!is_field(credentials.user) || !is_field(credentials.password)) return nullptr;
    if (offers(offered, "PLAIN")) return std::make_unique<PlainClient>(credentials);
    if (offers(offered, "LOGIN")) return std::make_unique<LoginClient>(credentials);
    return nullptr;
}

}  // namespace facteur::sasl
