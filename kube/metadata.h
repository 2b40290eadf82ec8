// Metadata: what every object of the API says of itself.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "kube/object_fields.h"
#include "kube/resource.h"

namespace kube {

struct Metadata {
  ObjectName name;
  std::string uid;
  std::string resource_version;
  // Set by the API server, so nobody can claim to be older than they are. What has none counts as the youngest.
  base::SystemTime created = base::SystemTime::max();
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  friend bool operator==(const Metadata&, const Metadata&) = default;
};

// An object as Events name it.
struct ObjectRef {
  std::string api_version;
  std::string kind;
  ObjectName name;
  std::string uid;
  friend auto operator<=>(const ObjectRef&, const ObjectRef&) = default;
};

// Who is in the right when two objects claim the same: the older, then the first by namespace and name.
struct Seniority {
  base::SystemTime created;
  ObjectName name;
  friend auto operator<=>(const Seniority&, const Seniority&) = default;
};

// Of a whole object. A namespace that is not given is "default" where `scope` is namespaced.
[[nodiscard]] Metadata read_metadata(const ObjectFields& object, Resource::Scope scope);

[[nodiscard]] ObjectRef reference_to(const Resource& resource, const Metadata& metadata);

// "shop/web"; the name alone where there is no namespace.
[[nodiscard]] std::string to_string(const ObjectName& name);

}  // namespace kube
