// Session tickets sealed with the snapshot's keys. RFC 5077 §4, RFC 8446 §4.6.1.
#pragma once

#include "base/openssl.h"

namespace proxy {

// From now on this context seals and opens tickets with the keys of the handshake's snapshot.
void install_ticket_keys(SSL_CTX* context);

}  // namespace proxy
