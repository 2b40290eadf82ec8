// What `sekisho doctor` says of the certificates that are at hand, wherever they come from.
#pragma once

#include <vector>

#include "acme/preflight.h"
#include "base/clock.h"
#include "certstore/store.h"

namespace app {

// Bad where one of them is refused, expired or not valid yet; one that is served, with a warning, is good. Pure.
[[nodiscard]] acme::Finding certificate_finding(const std::vector<certstore::CertificateStatus>& all,
                                                base::SystemTime now);

}  // namespace app
