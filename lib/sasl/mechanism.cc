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

}  // namespace

std::unique_ptr<ServerMechanism> make_server(std::string_view mechanism) {
    if (iequals(mechanism, "PLAIN")) return std::make_unique<PlainServer>();
    if (iequals(mechanism, "LOGIN")) return std::make_unique<LoginServer>();
    return nullptr;
}

}  // namespace facteur::sasl
