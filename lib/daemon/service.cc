#include "lib/daemon/service.h"

namespace facteur::daemon {

Task<void> Service::start() {
    co_return;
}

Limits Service::limits() const {
    return Limits();
}

std::string Service::refusal(const std::string&) {
    return std::string();
}

bool Service::is_exempt(const std::string&) const {
    return false;
}

Task<void> Service::drain() {
    co_return;
}

void Service::wakeup() {}

std::string Service::status() const {
    return std::string();
}

}  // namespace facteur::daemon
