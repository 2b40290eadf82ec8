#include "kube/resource.h"

#include <fmt/format.h>

#include "base/http_url.h"

namespace kube {

std::string percent_encoded(std::string_view text) {
  std::string encoded = base::percent_encoded(text);
  // A segment of dots alone would be taken for a step to the folder above (RFC 3986 §5.2.4).
  if (encoded == ".") return "%2E";
  if (encoded == "..") return "%2E%2E";
  return encoded;
}

std::string Resource::api_version() const {
  return group.empty() ? std::string(version) : fmt::format("{}/{}", group, version);
}

std::string collection_path(const Resource& resource, std::string_view name_space) {
  std::string path = fmt::format("{}/{}", resource.group.empty() ? "/api" : "/apis", resource.api_version());
  if (!name_space.empty() && resource.scope == Resource::Scope::namespaced) {
    path += "/namespaces/" + percent_encoded(name_space);
  }
  return path.append("/").append(resource.plural);
}

std::string object_path(const Resource& resource, const ObjectName& name, std::string_view subresource) {
  std::string path = collection_path(resource, name.name_space) + '/' + percent_encoded(name.name);
  if (!subresource.empty()) path.append("/").append(subresource);
  return path;
}

}  // namespace kube
