// Notice: something that the owner of an object should know. Becomes an Event on the object, and counts by its reason
// in a metric. A value: as long as what it says is true, it is held; that it appears or vanishes is the change.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "kube/metadata.h"

namespace kube {

enum class NoticeType : std::uint8_t { normal, warning };

struct Notice {
  ObjectRef object;
  NoticeType type = NoticeType::warning;
  std::string reason;   // of a fixed set, see namespace reasons
  std::string message;  // may hold text that the object's owner chose; never a secret
  friend auto operator<=>(const Notice&, const Notice&) = default;
};

namespace reasons {
inline constexpr auto invalid_object = "InvalidObject";                  // cannot be read; the last good one is kept
inline constexpr auto ingress_too_large = "IngressTooLarge";             // what goes beyond is left out
inline constexpr auto invalid_host = "InvalidHost";                      // a rule is left out
inline constexpr auto invalid_path = "InvalidPath";                      // a path is left out
inline constexpr auto invalid_backend = "InvalidBackend";                // a resource, or no service
inline constexpr auto invalid_annotation = "InvalidAnnotation";          // its value; as if it were not there
inline constexpr auto unknown_annotation = "UnknownAnnotation";          // of a prefix that is ours to know
inline constexpr auto unsupported_annotation = "UnsupportedAnnotation";  // known, and what to do instead
inline constexpr auto inert_annotation = "InertAnnotation";              // has no effect, and needs none
inline constexpr auto host_path_taken = "HostPathTaken";                 // an older Ingress has it
inline constexpr auto tls_host_taken = "TLSHostTaken";                   // an older Ingress of another namespace has it
inline constexpr auto service_not_found = "ServiceNotFound";             //
inline constexpr auto service_port_not_found = "ServicePortNotFound";    //
inline constexpr auto invalid_service = "InvalidService";                // an ExternalName that must not be followed
inline constexpr auto too_many_endpoints = "TooManyEndpoints";           // some of them are left out
inline constexpr auto no_endpoints = "NoEndpoints";                      // answered with 503
inline constexpr auto secret_not_found = "SecretNotFound";               //
inline constexpr auto invalid_secret = "InvalidSecret";                  // the last good certificate is kept
inline constexpr auto name_mismatch = "CertificateNameMismatch";         // the certificate is not for this host
inline constexpr auto bad_certificate_request = "BadConfig";  // cert-manager's own reason for such annotations
}  // namespace reasons

}  // namespace kube
