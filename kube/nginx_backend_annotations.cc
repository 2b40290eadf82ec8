// ingress-nginx's annotations that say something of backends: protocol, TLS, timeouts, retries.
#include <algorithm>

#include "base/ascii.h"
#include "config/sections.h"
#include "kube/annotation_values.h"
#include "kube/annotations.h"

namespace kube {
namespace {

using config::Read;
constexpr auto works = AnnotationRow::Support::works;

Read<void> set_protocol(std::string_view value, IngressSettings& settings) {
  const std::string protocol = base::lower_case(value);
  const bool grpc = protocol == "grpc" || protocol == "grpcs";
  const bool tls = protocol == "https" || protocol == "grpcs";
  if (!grpc && !tls && protocol != "http") return std::unexpected("HTTP, HTTPS, GRPC or GRPCS");
  settings.backend.protocol = {grpc ? config::UpstreamProtocol::http2 : config::UpstreamProtocol::http1,
                               tls ? BackendProtocol::Tls::on : BackendProtocol::Tls::off};
  return {};
}

Read<void> set_connect_timeout(std::string_view value, IngressSettings& settings) {
  const auto timeout = parse_seconds(value);
  if (!timeout) return std::unexpected(timeout.error());
  settings.backend.rules.timeouts.connect = *timeout;
  return {};
}

// nginx: between two reads, of a WebSocket too. It is set high where there are WebSockets, so it never shortens ours.
Read<void> set_read_timeout(std::string_view value, IngressSettings& settings) {
  const auto timeout = parse_seconds(value);
  if (!timeout) return std::unexpected(timeout.error());
  config::BackendTimeouts& timeouts = settings.backend.rules.timeouts;
  timeouts.first_byte = *timeout;
  timeouts.idle = std::max(timeouts.idle, *timeout);
  timeouts.upgraded_idle = std::max(timeouts.upgraded_idle, *timeout);
  return {};
}

Read<void> set_send_timeout(std::string_view value, IngressSettings& settings) {
  const auto timeout = parse_seconds(value);
  if (!timeout) return std::unexpected(timeout.error());
  config::BackendTimeouts& timeouts = settings.backend.rules.timeouts;
  timeouts.idle = std::max(timeouts.idle, *timeout);
  return {};
}

Read<void> set_vhost(std::string_view value, IngressSettings& settings) {
  const auto host = config::parse_authority(value);
  if (!host) return std::unexpected(host.error());
  settings.backend.rules.host_header = *host;
  return {};
}

Read<void> set_service_upstream(std::string_view value, IngressSettings& settings) {
  const auto wanted = parse_flag(value);
  if (!wanted) return std::unexpected(wanted.error());
  settings.backend.through = *wanted ? BackendSettings::Through::service : BackendSettings::Through::endpoints;
  return {};
}

Read<void> set_load_balance(std::string_view value, IngressSettings& settings) {
  if (value == "round_robin") {
    settings.backend.rules.balance = config::Balance::round_robin;
  } else if (value == "least_conn" || value == "ewma") {
    settings.backend.rules.balance = config::Balance::least_requests;  // by load, as ewma is by latency
  } else {
    return std::unexpected("round_robin or ewma");
  }
  return {};
}

Read<void> set_tries(std::string_view value, IngressSettings& settings) {
  const auto tries = parse_number(value, 0, 1000);
  if (!tries) return std::unexpected(tries.error());
  constexpr std::uint64_t most_retries = 10;  // for nginx 0 is no limit
  settings.backend.rules.retries.attempts =
      static_cast<unsigned>(*tries == 0 ? most_retries : std::min(*tries - 1, most_retries));
  return {};
}

// Which failures are tried again is for us to know: those after which nothing can have happened twice.
Read<void> set_next_upstream(std::string_view value, IngressSettings& settings) {
  if (value.empty()) return std::unexpected("off, or failures such as \"error timeout\"");
  if (value == "off") settings.backend.rules.retries.attempts = 0;
  return {};
}

Read<void> set_tls_verify(std::string_view value, IngressSettings& settings) {
  const auto wanted = parse_switch(value);
  if (!wanted) return std::unexpected(wanted.error());
  settings.backend.tls.verify = *wanted;
  return {};
}

Read<void> set_tls_name(std::string_view value, IngressSettings& settings) {
  const auto name = config::parse_host_name(value);
  if (!name) return std::unexpected(name.error());
  settings.backend.tls.server_name = *name;
  return {};
}

constexpr AnnotationRow rows[] = {
    {"backend-protocol", works, set_protocol},
    {"proxy-connect-timeout", works, set_connect_timeout},
    {"proxy-read-timeout", works, set_read_timeout},
    {"proxy-send-timeout", works, set_send_timeout},
    {"upstream-vhost", works, set_vhost},
    {"service-upstream", works, set_service_upstream},
    {"load-balance", works, set_load_balance},
    {"proxy-next-upstream", works, set_next_upstream},
    {"proxy-next-upstream-tries", works, set_tries},
    {"proxy-ssl-verify", works, set_tls_verify},
    {"proxy-ssl-name", works, set_tls_name},
};

}  // namespace

AnnotationRows nginx_backend_annotations() {
  return rows;
}

}  // namespace kube
