// ApiDocument: what is at a path of the API that is no object's: "/version", "/apis/cert-manager.io/v1".
#pragma once

#include <stop_token>
#include <string>

#include <nlohmann/json.hpp>

#include "kube/access.h"
#include "kube/api_failure.h"

namespace kube {

struct ApiDocument {
  nlohmann::json body;
  std::string date;  // the server's clock as it says it (RFC 9110 §6.6.1); empty if it does not
};

// One GET on a connection of its own, of ten seconds at most. Blocking.
[[nodiscard]] Outcome<ApiDocument> read_document(Access& access, const std::string& path, const std::stop_token& stop);

}  // namespace kube
