#include "kube/metadata.h"

#include <fmt/format.h>

#include "base/timestamps.h"

namespace kube {

Metadata read_metadata(const ObjectFields& object, Resource::Scope scope) {
  Metadata metadata;
  const auto fields = object.object("metadata");
  if (!fields) {
    object.refuse("metadata", "nothing", "a mapping");
    return metadata;
  }
  metadata.name.name = fields->required_text("name");
  if (scope == Resource::Scope::namespaced) {
    metadata.name.name_space = fields->text("namespace");
    if (metadata.name.name_space.empty()) metadata.name.name_space = "default";
  }
  metadata.uid = fields->text("uid");
  metadata.resource_version = fields->text("resourceVersion");
  if (const std::string created = fields->text("creationTimestamp"); !created.empty()) {
    if (const auto time = base::parse_rfc3339(created)) {
      metadata.created = *time;
    } else {
      fields->refuse("creationTimestamp", "text", "a time as in RFC 3339");
    }
  }
  metadata.labels = fields->text_map("labels");
  metadata.annotations = fields->text_map("annotations");
  return metadata;
}

ObjectRef reference_to(const Resource& resource, const Metadata& metadata) {
  return {resource.api_version(), std::string(resource.kind), metadata.name, metadata.uid};
}

std::string to_string(const ObjectName& name) {
  return name.name_space.empty() ? name.name : fmt::format("{}/{}", name.name_space, name.name);
}

}  // namespace kube
