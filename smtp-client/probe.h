#pragma once

namespace facteur::smtp_client {

/// `smtp-client --probe DOMAIN|ADDRESS [--json]`, which `facteur probe` runs: tries a delivery up
/// to RCPT with the configuration in $MAIL_CONFIG and tells what came of it.  0: mail would leave.
int probe(int argc, char** argv);

}  // namespace facteur::smtp_client
