// One object by its name, for those who may list a kind and not get it: sekisho's roles grant no more than its watches
// need.
#pragma once

#include <stop_token>
#include <utility>

#include <nlohmann/json.hpp>

#include "kube/client.h"

namespace kube {

// not_found(): there is none; also where the cluster does not know the kind. Blocking.
[[nodiscard]] inline Outcome<nlohmann::json> find_object(Client& client, const Resource& resource,
                                                         const ObjectName& name, const std::stop_token& stop) {
  auto listed = client.list(resource, {.name_space = name.name_space, .fields = "metadata.name=" + name.name}, stop);
  if (!listed) return std::unexpected(std::move(listed.error()));
  // Whoever does not know the selector gives all.
  for (nlohmann::json& item : listed->items) {
    if (name_of(item).name == name.name) return std::move(item);
  }
  return std::unexpected(ApiFailure{
      .error = {base::Code::not_found, "there is none", base::Origin::upstream, base::Retry::never}, .status = 404});
}

}  // namespace kube
