// Annotations of the Application Gateway Ingress Controller, and of Application Gateway for Containers.
#include <algorithm>

#include "base/ascii.h"
#include "config/sections.h"
#include "kube/annotation_values.h"
#include "kube/annotations.h"

namespace kube {
namespace {

using config::Read;
constexpr auto works = AnnotationRow::Support::works;
constexpr auto inert = AnnotationRow::Support::inert;
constexpr auto unsupported = AnnotationRow::Support::unsupported;

config::HealthCheck& check_of(IngressSettings& settings) {
  auto& check = settings.backend.rules.health_check;
  if (!check) check.emplace();
  return *check;
}

Read<void> set_ssl_redirect(std::string_view value, IngressSettings& settings) {
  const auto wanted = parse_flag(value);
  if (!wanted) return std::unexpected(wanted.error());
  settings.redirect_to_https = *wanted;
  return {};
}

Read<void> set_protocol(std::string_view value, IngressSettings& settings) {
  const std::string protocol = base::lower_case(value);
  if (protocol != "http" && protocol != "https") return std::unexpected("http or https");
  settings.backend.protocol = {config::UpstreamProtocol::http1,
                               protocol == "https" ? BackendProtocol::Tls::on : BackendProtocol::Tls::off};
  return {};
}

Read<void> set_path_prefix(std::string_view value, IngressSettings& settings) {
  const auto path = config::parse_url_path(value);
  if (!path) return std::unexpected(path.error());
  settings.replace_path = *path;
  return {};
}

Read<void> set_hostname(std::string_view value, IngressSettings& settings) {
  const auto host = config::parse_host_name(value);
  if (!host) return std::unexpected(host.error());
  settings.backend.rules.host_header = *host;
  // With https the gateway verifies the backend's certificate against this name, so it is verified here.
  settings.backend.tls.server_name = *host;
  settings.backend.tls.verify = true;
  return {};
}

Read<void> set_request_timeout(std::string_view value, IngressSettings& settings) {
  const auto timeout = parse_seconds(value);
  if (!timeout) return std::unexpected(timeout.error());
  settings.backend.rules.timeouts.first_byte = *timeout;
  return {};
}

// Requests that run when an endpoint goes always end in peace; false asks for less.
Read<void> set_draining(std::string_view value, IngressSettings& /*settings*/) {
  const auto wanted = parse_flag(value);
  if (!wanted) return std::unexpected(wanted.error());
  return {};
}

Read<void> set_affinity(std::string_view value, IngressSettings& settings) {
  const auto wanted = parse_flag(value);
  if (!wanted) return std::unexpected(wanted.error());
  settings.sticky = *wanted;
  if (*wanted) settings.affinity_cookie.name = "ApplicationGatewayAffinity";
  return {};
}

Read<void> set_probe_hostname(std::string_view value, IngressSettings& settings) {
  const auto host = config::parse_authority(value);
  if (!host) return std::unexpected(host.error());
  check_of(settings).host = *host;
  return {};
}

Read<void> set_probe_path(std::string_view value, IngressSettings& settings) {
  const auto path = config::parse_request_target(value);
  if (!path) return std::unexpected(path.error());
  check_of(settings).path = *path;
  return {};
}

// "200-399", "200", "200-299, 301": several ranges become the one that spans them.
Read<void> set_probe_status(std::string_view value, IngressSettings& settings) {
  std::uint64_t from = 600;
  std::uint64_t to = 0;
  for (const std::string& range : parse_list(value)) {
    const std::size_t dash = range.find('-');
    const auto first = parse_number(range.substr(0, dash), 100, 599);
    const auto last = dash == std::string::npos ? first : parse_number(range.substr(dash + 1), 100, 599);
    if (!first || !last || *first > *last) return std::unexpected("a range of statuses such as 200-399");
    from = std::min(from, *first);
    to = std::max(to, *last);
  }
  if (to == 0) return std::unexpected("a range of statuses such as 200-399");
  config::HealthCheck& check = check_of(settings);
  check.status_from = static_cast<int>(from);
  check.status_to = static_cast<int>(to);
  return {};
}

Read<void> set_probe_interval(std::string_view value, IngressSettings& settings) {
  const auto interval = parse_seconds(value);
  if (!interval) return std::unexpected(interval.error());
  check_of(settings).interval = *interval;
  return {};
}

Read<void> set_probe_timeout(std::string_view value, IngressSettings& settings) {
  const auto timeout = parse_seconds(value);
  if (!timeout) return std::unexpected(timeout.error());
  check_of(settings).timeout = *timeout;
  return {};
}

Read<void> set_probe_threshold(std::string_view value, IngressSettings& settings) {
  const auto count = parse_number(value, 1, 1000);
  if (!count) return std::unexpected(count.error());
  check_of(settings).unhealthy_after = static_cast<unsigned>(*count);
  return {};
}

Read<void> set_more_hosts(std::string_view value, IngressSettings& settings) {
  std::vector<std::string> hosts;
  for (const std::string& part : parse_list(value)) {
    auto host = config::parse_host_pattern(part);
    if (!host) return std::unexpected(host.error() + ", several between commas");
    hosts.push_back(*std::move(host));
  }
  settings.more_hosts.insert(settings.more_hosts.end(), hosts.begin(), hosts.end());
  return {};
}

// The certificate lies in the gateway, where nobody can take it out; the redirect that goes with it is still wanted.
Read<void> set_gateway_certificate(std::string_view value, IngressSettings& settings) {
  settings.tls_elsewhere = !value.empty();
  return std::unexpected(
      "a TLS section with a Secret, or the certificate's Key Vault under certificates in the configuration: what lies "
      "in "
      "an Application Gateway cannot be read from it");
}

constexpr std::string_view listeners =
    "listeners are named in the configuration, and published by the Service in front";
constexpr std::string_view rewriting = "rule sets of a gateway cannot be read; change headers in the application";

constexpr AnnotationRow rows[] = {
    {"ssl-redirect", works, set_ssl_redirect},
    {"backend-protocol", works, set_protocol},
    {"backend-path-prefix", works, set_path_prefix},
    {"backend-hostname", works, set_hostname},
    {"request-timeout", works, set_request_timeout},
    {"connection-draining", works, set_draining},
    {"connection-draining-timeout", inert, nullptr,
     "requests that run when an endpoint is taken away always end in peace, however long they take"},
    {"cookie-based-affinity", works, set_affinity},
    {"cookie-based-affinity-distinct-name", inert, nullptr,
     "each path has a cookie of its own, which the others neither see nor replace"},
    {"health-probe-hostname", works, set_probe_hostname},
    {"health-probe-port", unsupported, nullptr,
     "checks go to the port that serves; readiness probes of the Pod may differ"},
    {"health-probe-path", works, set_probe_path},
    {"health-probe-status-codes", works, set_probe_status},
    {"health-probe-interval", works, set_probe_interval},
    {"health-probe-timeout", works, set_probe_timeout},
    {"health-probe-unhealthy-threshold", works, set_probe_threshold},
    {"hostname-extension", works, set_more_hosts},
    {"appgw-ssl-certificate", works, set_gateway_certificate},
    {"appgw-trusted-root-certificate", unsupported, nullptr,
     "what lies in a gateway cannot be read; name the backend in the configuration, where its CA is a file"},
    {"appgw-ssl-profile", unsupported, nullptr, "choose a TLS profile in the configuration"},
    {"override-frontend-port", unsupported, nullptr, listeners},
    {"use-private-ip", unsupported, nullptr, listeners},
    {"waf-policy-for-path", unsupported, nullptr, "there is no firewall for applications in here; put one in front"},
    {"rewrite-rule-set", unsupported, nullptr, rewriting},
    {"rewrite-rule-set-custom-resource", unsupported, nullptr, rewriting},
    {"rule-priority", inert, nullptr, "the most specific host and the longest path come first"},
};

constexpr std::string_view no_gateway = "no gateway is made; Ingresses of this class are served by sekisho itself";

constexpr AnnotationRow alb_rows[] = {
    {"alb-name", inert, nullptr, no_gateway},
    {"alb-namespace", inert, nullptr, no_gateway},
    {"alb-id", inert, nullptr, no_gateway},
    {"alb-frontend", inert, nullptr, no_gateway},
};

}  // namespace

AnnotationRows agic_annotations() {
  return rows;
}

AnnotationRows alb_annotations() {
  return alb_rows;
}

}  // namespace kube
