// Where the requests for a port of a Service go. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "kube/endpoint_slice.h"
#include "kube/ingress_plan.h"
#include "kube/service.h"

namespace kube {

struct ServiceEndpoints {
  std::vector<config::Endpoint> endpoints;  // sorted, each once
  BackendProtocol protocol;                 // by appProtocol
  std::string service_uid;                  // what only the cluster knows of the Service
  // Why there are none, or what else is to be said; an empty reason: nothing.
  NoticeType type = NoticeType::warning;
  std::string reason;
  std::string message;
};

// `service` may be null: there is none. Of its EndpointSlices, in any order, the endpoints that are ready; if none is,
// those that still serve while they end, as kube-proxy does. Both address families. An ExternalName is one endpoint, by
// its name in the DNS; not a name or an address of this very machine, which would lead behind the edge.
[[nodiscard]] ServiceEndpoints find_endpoints(const Service* service, const BackendUse& use,
                                              std::span<const EndpointSlice* const> slices);

// The backend of the route model. `found` as find_endpoints() said.
[[nodiscard]] config::Backend make_backend(const BackendUse& use, const ServiceEndpoints& found);

}  // namespace kube
