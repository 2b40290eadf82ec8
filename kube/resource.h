// Resource: a kind of object as the API names it, and the paths of its objects.
#pragma once

#include <string>
#include <string_view>

namespace kube {

struct Resource {
  std::string_view group;  // empty: the core group
  std::string_view version;
  std::string_view plural;
  std::string_view kind;
  enum class Scope : unsigned char { cluster, namespaced } scope = Scope::namespaced;

  // "v1", "networking.k8s.io/v1"
  [[nodiscard]] std::string api_version() const;
};

// One object. `name_space` is empty for what belongs to the whole cluster.
struct ObjectName {
  std::string name_space;
  std::string name;
  friend auto operator<=>(const ObjectName&, const ObjectName&) = default;
};

// "/apis/networking.k8s.io/v1/ingresses", or with a namespace "/apis/networking.k8s.io/v1/namespaces/web/ingresses".
// Namespaces and names are escaped, so that no name leads to another path.
[[nodiscard]] std::string collection_path(const Resource& resource, std::string_view name_space);
// ".../ingresses/NAME", ".../ingresses/NAME/status"
[[nodiscard]] std::string object_path(const Resource& resource, const ObjectName& name,
                                      std::string_view subresource = {});

// Escapes all but the unreserved characters of RFC 3986 §2.3; for path segments and query values.
[[nodiscard]] std::string percent_encoded(std::string_view text);

namespace resources {
inline constexpr Resource namespaces{"", "v1", "namespaces", "Namespace", Resource::Scope::cluster};
inline constexpr Resource services{"", "v1", "services", "Service"};
inline constexpr Resource secrets{"", "v1", "secrets", "Secret"};
inline constexpr Resource config_maps{"", "v1", "configmaps", "ConfigMap"};
inline constexpr Resource pods{"", "v1", "pods", "Pod"};
inline constexpr Resource core_events{"", "v1", "events", "Event"};
inline constexpr Resource events{"events.k8s.io", "v1", "events", "Event"};
inline constexpr Resource leases{"coordination.k8s.io", "v1", "leases", "Lease"};
inline constexpr Resource endpoint_slices{"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"};
inline constexpr Resource ingresses{"networking.k8s.io", "v1", "ingresses", "Ingress"};
inline constexpr Resource ingress_classes{"networking.k8s.io", "v1", "ingressclasses", "IngressClass",
                                          Resource::Scope::cluster};
inline constexpr Resource certificates{"cert-manager.io", "v1", "certificates", "Certificate"};
inline constexpr Resource certificate_requests{"cert-manager.io", "v1", "certificaterequests", "CertificateRequest"};
inline constexpr Resource issuers{"cert-manager.io", "v1", "issuers", "Issuer"};
inline constexpr Resource cluster_issuers{"cert-manager.io", "v1", "clusterissuers", "ClusterIssuer",
                                          Resource::Scope::cluster};
inline constexpr Resource orders{"acme.cert-manager.io", "v1", "orders", "Order"};
inline constexpr Resource challenges{"acme.cert-manager.io", "v1", "challenges", "Challenge"};
}  // namespace resources

}  // namespace kube
