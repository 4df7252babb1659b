#pragma once

#include <string>
#include <string_view>

#include "lib/ipc/ways/delivery.h"
#include "qmgr/message.h"

namespace facteur::qmgr {

/// The job as its agent gets it.
ipc::Job request_for(const Job& job);

/// "ID: to=<a@b>, relay=none, delay=1.2, delays=0.1/1.1/0/0, dsn=4.4.1, status=deferred (text)":
/// for what qmgr decides itself; agents write the line for what they did.
void log_result(const Message& message, std::size_t recipient, std::string_view relay);

std::int64_t now_micros();
std::int64_t now_seconds();

}  // namespace facteur::qmgr
