// HostReport: what the Ingresses of a cluster say of one host: the beginning of the way to its certificate. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kube/ingress_plan.h"

namespace kube {

struct IngressOnHost {
  ObjectName name;
  std::string class_name;  // empty: it names none
  enum class Served : std::uint8_t { here, elsewhere } served = Served::here;
  bool has_route = false;
  std::optional<ObjectName> secret;         // what its TLS sections name for the host
  std::optional<WantedCertificate> wanted;  // what its annotations ask for, to be in that Secret
  friend bool operator==(const IngressOnHost&, const IngressOnHost&) = default;
};

using HostReport = std::vector<IngressOnHost>;  // the oldest first

// Nothing: the Ingress says nothing of the host. `plan`: null where it is not served here. `host`: canonical.
[[nodiscard]] std::optional<IngressOnHost> report_on(const Ingress& ingress, const IngressPlan* plan,
                                                     const std::string& host);

}  // namespace kube
