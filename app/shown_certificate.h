// Which certificate a client is shown. Pure.
#pragma once

#include <string>

#include "app/observation.h"
#include "certstore/certificate.h"

namespace app {

// For `host` ("www.example.com"), or under "*.example.com"; the RSA one where there are two. Null: none of its own, or
// one that only stands in.
[[nodiscard]] certstore::CertificatePtr shown_certificate(const std::string& host, const Observation& seen);

}  // namespace app
