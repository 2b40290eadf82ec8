// IngressSettings: what all annotations of one Ingress say together, on its routes, backends and certificates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "kube/wanted_certificate.h"

namespace kube {

struct BackendProtocol {
  config::UpstreamProtocol version = config::UpstreamProtocol::http1;
  enum class Tls : std::uint8_t { off, on } tls = Tls::off;
  friend bool operator==(const BackendProtocol&, const BackendProtocol&) = default;
};

// Two Ingresses that say the same of a port of a Service share its backend.
struct BackendSettings {
  config::Backend rules;                     // without name, endpoints, protocol and TLS
  std::optional<BackendProtocol> protocol;   // none: as appProtocol of the Service's port says
  config::UpstreamTls tls{.verify = false};  // where the protocol has it; nothing names what to verify a Pod against
  enum class Through : std::uint8_t { endpoints, service } through = Through::endpoints;  // service: its own address
  friend bool operator==(const BackendSettings&, const BackendSettings&) = default;
};

struct IngressSettings {
  // ---- of its backends
  BackendSettings backend;
  bool sticky = false;                                 // clients come back to their endpoint
  config::AffinityCookie affinity_cookie{.name = {}};  // by this cookie

  // ---- of its routes
  std::optional<bool> redirect_to_https;  // nothing said: as the dialect has it
  bool always_redirect_to_https = false;  // even without a TLS section
  bool tls_elsewhere = false;             // a certificate that no TLS section names
  std::optional<config::Bytes> body_size;
  config::HeaderChanges request_headers;
  std::string rewrite_target;                // empty: none
  std::optional<std::string> replace_path;   // instead of the matched path
  bool regular_expressions = false;          // paths that are not Exact or Prefix are some
  std::optional<config::Redirect> redirect;  // instead of the backend
  std::optional<int> permanent_status;
  std::optional<int> temporary_status;
  std::string app_root;  // where "/" leads; empty: nowhere
  bool www_redirect = false;
  std::vector<std::string> more_hosts;  // that are served as the first host of its rules is

  // ---- what cannot be served as asked
  bool left_out = false;  // a canary beside the Ingress that serves
  std::vector<std::string>
      guards;  // annotations that keep strangers out and are not supported: 503 until they are gone

  // ---- of its certificates
  bool wants_certificates = false;
  WantedCertificate certificate;  // what all of its certificates share
};

}  // namespace kube
