#include <utility>

#include "config/quantities.h"
#include "config/sections.h"

namespace config {
namespace {

Read<std::string> parse_server_name(std::string_view text) {
  if (is_ip_address(text)) return std::string(text);
  return parse_host_name(text);
}

constexpr std::uint64_t most_connections = 1'000'000;

const Words<SameSite> same_sites{{"lax", SameSite::lax}, {"strict", SameSite::strict}, {"none", SameSite::none}};

}  // namespace

std::optional<UpstreamTls> read_upstream_tls(const Value& value) {
  if (value.is(YamlNode::Kind::scalar)) {
    const auto wanted = value.boolean();
    return wanted.value_or(false) ? std::optional(UpstreamTls()) : std::nullopt;
  }
  const Mapping map(value, keys::upstream_tls);
  UpstreamTls tls;
  tls.verify = map.boolean("verify", true);
  tls.server_name = map.parsed("server_name", parse_server_name);
  tls.ca_certificates = map.path("ca_certificates");
  if (const auto client = map.find("client_certificate")) {
    const Mapping pair(*client, keys::upstream_client_certificate);
    (void)pair.require("certificate");
    tls.client_certificate = pair.path("certificate");
    tls.client_key = pair.has("key") ? pair.path("key") : tls.client_certificate;
  }
  return tls;
}

HealthCheck read_health_check(const Value& value) {
  const Mapping map(value, keys::health_check);
  HealthCheck check;
  if (const auto path = map.find("path")) check.path = path->parsed(parse_request_target).value_or(check.path);
  check.host = map.parsed("host", parse_authority);
  check.interval = map.duration("interval", check.interval, {milliseconds(10), std::chrono::hours(24)});
  check.timeout = map.duration("timeout", check.timeout, any_wait);
  check.healthy_after = map.number("healthy_after", check.healthy_after, {1, 1000});
  check.unhealthy_after = map.number("unhealthy_after", check.unhealthy_after, {1, 1000});
  check.status_from = static_cast<int>(map.number("status_from", 200, {100, 599}));
  check.status_to = static_cast<int>(map.number("status_to", 399, {100, 599}));
  if (check.status_from > check.status_to) {
    map.value().refuse("`status_from` above `status_to`", "a range that holds at least one status");
  }
  return check;
}

Ejection read_ejection(const Value& value) {
  const Mapping map(value, keys::ejection);
  Ejection ejection;
  ejection.consecutive_failures = map.number("consecutive_failures", ejection.consecutive_failures, {0, 1'000'000});
  ejection.duration = map.duration("duration", ejection.duration, any_wait);
  ejection.at_most_percent = map.number("at_most_percent", ejection.at_most_percent, {0, 100});
  return ejection;
}

BackendTimeouts read_backend_timeouts(const Value& value) {
  const Mapping map(value, keys::backend_timeouts);
  BackendTimeouts timeouts;
  timeouts.connect = map.duration("connect", timeouts.connect, any_wait);
  timeouts.first_byte = map.duration("first_byte", timeouts.first_byte, any_wait);
  timeouts.idle = map.duration("idle", timeouts.idle, any_wait);
  timeouts.upgraded_idle = map.duration("upgraded_idle", timeouts.upgraded_idle, any_wait);
  timeouts.request = map.duration("request", timeouts.request, wait_or_none);
  return timeouts;
}

BackendLimits read_backend_limits(const Value& value) {
  const Mapping map(value, keys::backend_limits);
  BackendLimits limits;
  limits.connections = map.number("connections", limits.connections, {1, most_connections});
  limits.idle_connections = map.number("idle_connections", limits.idle_connections, {0, most_connections});
  limits.idle_for = map.duration("idle_for", limits.idle_for, any_wait);
  limits.queue = map.number("queue", limits.queue, {0, most_connections});
  limits.queue_timeout = map.duration("queue_timeout", limits.queue_timeout, any_wait);
  return limits;
}

Retries read_retries(const Value& value) {
  const Mapping map(value, keys::retries);
  Retries retries;
  retries.attempts = map.number("attempts", retries.attempts, {0, 10});
  retries.budget_percent = map.number("budget_percent", retries.budget_percent, {0, 100});
  return retries;
}

std::optional<AffinityCookie> read_affinity(const Value& value) {
  const Mapping map(value, keys::affinity);
  const auto how = map.require("cookie");
  if (!how) return std::nullopt;
  const Mapping cookie_map(*how, keys::affinity_cookie);
  AffinityCookie cookie;
  if (const auto name = cookie_map.find("name")) cookie.name = name->parsed(parse_cookie_name).value_or(cookie.name);
  constexpr Range<milliseconds> whole_life{milliseconds(0), longest_duration};
  cookie.max_age =
      std::chrono::floor<std::chrono::seconds>(cookie_map.duration("max_age", milliseconds(0), whole_life));
  cookie.path = cookie_map.parsed("path", parse_cookie_path);
  cookie.same_site = cookie_map.choice("same_site", cookie.same_site, same_sites);
  if (const auto secure = cookie_map.find("secure")) cookie.secure = secure->boolean();
  if (cookie.same_site == SameSite::none && cookie.secure == false) {
    cookie_map.value().refuse("`same_site: none` with `secure: false`", "`secure: true`: browsers refuse the cookie");
  }
  return cookie;
}

}  // namespace config
