// Which certificates are to be in a mirror, and which of those that the configuration names cannot be, and why. Pure.
#pragma once

#include <string>
#include <vector>

#include "app/observation.h"
#include "azure/mirror.h"
#include "config/config.h"

namespace app {

// By host: what a client that asks for it is shown, the RSA one where there are two. By the name of a certificate, or
// by how the store calls it: that one. Nothing that stands in, is not valid now, or would have the same name there as
// another: each of these has a refusal.
[[nodiscard]] std::vector<azure::MirrorItem> mirror_items(const config::Mirror& mirror, const Observation& seen);

// The name there of the only certificate that a gateway's mirror is configured to hold; empty: there may be several.
[[nodiscard]] std::string only_name_there(const config::ApplicationGatewayMirror& mirror);

}  // namespace app
