// From a path of an Ingress to what the route model can match. Pure.
#pragma once

#include <optional>
#include <string>

#include "config/config.h"
#include "config/host_names.h"
#include "kube/class_rules.h"
#include "kube/ingress.h"
#include "kube/ingress_settings.h"

namespace kube {

struct PlannedPath {
  config::PathMatch match;
  std::optional<std::string> replacement;  // of the matched path
  std::string remark;                      // what is not quite as asked; empty: nothing
};

// Exact and Prefix as the API has them. Without a type: "/app/*" is a prefix for all; else an Application Gateway means
// exactly that path, and nginx everything that begins with it, of which we take what begins with its whole segments. Of
// regular expressions those are understood that stand for a prefix: /app(/|$)(.*), /app/?(.*), /app/(.*), /app/.*, and
// with them the rewrite targets that keep what follows the prefix: /$2, /api/$2. The error says what was expected.
[[nodiscard]] config::Read<PlannedPath> plan_path(const IngressPath& path, const IngressSettings& settings,
                                                  Dialect dialect);

}  // namespace kube
