// Why a host shows what it shows: every cause, from the handshake to the CA's own words.
#pragma once

#include <string>

#include "app/api.h"

namespace app {

// {host, good, causes: [{level, what, text, tone: good|bad|plain}], cluster?: true}. `cluster`: there is more to be had
// at /api/chain (app/cluster_questions.h). `good`: a client that asks for the host now gets a
// valid certificate for it that is not of the local CA. `host`: a canonical host name or an address. Reads the files of
// pairs that were refused, to learn what they are for; nothing else of it waits.
[[nodiscard]] Json why_json(const Observation& seen, const std::string& host);

}  // namespace app
