// The status of an object, written for the state of it that was seen.
#pragma once

#include <stop_token>

#include <nlohmann/json.hpp>

#include "kube/client.h"
#include "kube/metadata.h"

namespace kube {

// A merge patch of status alone. conflict(): somebody has written meanwhile, and the watch is going to tell. Blocking.
[[nodiscard]] inline Outcome<nlohmann::json> patch_status(Client& client, const Resource& resource,
                                                          const Metadata& seen, const nlohmann::json& patch,
                                                          const std::stop_token& stop) {
  const nlohmann::json whole{{"metadata", {{"resourceVersion", seen.resource_version}}}, {"status", patch}};
  return client.merge(resource, seen.name, whole, "status", stop);
}

}  // namespace kube
