#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace facteur::tool {

/// conf/main.cf, conf/master.cf and conf/aliases as they are installed, part of this program.
std::string_view main_cf_template();
std::string_view master_cf_template();
std::string_view aliases_template();

/// main.cf with `name = value` in place of the line that sets name, or at the end.
std::string with_parameter(std::string_view main_cf, std::string_view name, std::string_view value);

/// master.cf with each inet service on 127.0.0.1, at base plus the protocol's own port.
std::string on_loopback(std::string_view master_cf, unsigned port_base);

/// The protocol's own port of an inet service of master_cf_template(); 0: unknown.
unsigned own_port(std::string_view service);

}  // namespace facteur::tool
