// ingress-nginx's annotations that say something of routes: hosts, paths, redirects, sizes.
#include <fmt/format.h>

#include "config/sections.h"
#include "kube/annotation_values.h"
#include "kube/annotations.h"

namespace kube {
namespace {

using config::Read;
constexpr auto works = AnnotationRow::Support::works;

Read<void> set_flag(std::string_view value, bool& into) {
  const auto flag = parse_flag(value);
  if (!flag) return std::unexpected(flag.error());
  into = *flag;
  return {};
}

Read<void> set_ssl_redirect(std::string_view value, IngressSettings& settings) {
  const auto wanted = parse_flag(value);
  if (!wanted) return std::unexpected(wanted.error());
  settings.redirect_to_https = *wanted;
  return {};
}

Read<void> set_force_ssl_redirect(std::string_view value, IngressSettings& settings) {
  return set_flag(value, settings.always_redirect_to_https);
}

// It comes to stand in request lines, so it is a path to the last byte.
Read<void> set_rewrite_target(std::string_view value, IngressSettings& settings) {
  if (value.contains("://")) return std::unexpected("a path, not a URL");
  const std::string front = value.starts_with('$') ? "/" : "";
  if (!config::parse_url_path(front + std::string(value))) return std::unexpected("a path such as /$2, without query");
  settings.rewrite_target = value;
  return {};
}

Read<void> set_use_regex(std::string_view value, IngressSettings& settings) {
  return set_flag(value, settings.regular_expressions);
}

Read<void> set_body_size(std::string_view value, IngressSettings& settings) {
  const auto size = parse_nginx_size(value);
  if (!size) return std::unexpected(size.error());
  settings.body_size = *size;
  return {};
}

Read<void> set_app_root(std::string_view value, IngressSettings& settings) {
  const auto path = config::parse_url_path(value);
  if (!path || *path == "/") return std::unexpected("a path such as /app");
  settings.app_root = *path;
  return {};
}

Read<void> set_server_alias(std::string_view value, IngressSettings& settings) {
  std::vector<std::string> hosts;
  for (const std::string& part : parse_list(value)) {
    auto host = config::parse_host_pattern(part);
    if (!host) return std::unexpected(host.error() + ", several between commas; no regular expressions");
    hosts.push_back(*std::move(host));
  }
  settings.more_hosts.insert(settings.more_hosts.end(), hosts.begin(), hosts.end());
  return {};
}

Read<void> set_redirect(std::string_view value, IngressSettings& settings, int status) {
  auto redirect = parse_redirect_target(value);
  if (!redirect) return std::unexpected(redirect.error());
  redirect->status = status;
  settings.redirect = *std::move(redirect);
  return {};
}
Read<void> set_permanent_redirect(std::string_view value, IngressSettings& settings) {
  // With both, nginx takes the temporary one.
  if (settings.redirect && settings.redirect->status == 302) return {};
  return set_redirect(value, settings, 301);
}
Read<void> set_temporal_redirect(std::string_view value, IngressSettings& settings) {
  return set_redirect(value, settings, 302);
}

Read<void> set_status(std::string_view value, std::optional<int>& into) {
  const auto status = parse_number(value, 301, 308);
  if (!status || (*status > 303 && *status < 307)) return std::unexpected("301, 302, 303, 307 or 308");
  into = static_cast<int>(*status);
  return {};
}
Read<void> set_permanent_status(std::string_view value, IngressSettings& settings) {
  return set_status(value, settings.permanent_status);
}
Read<void> set_temporal_status(std::string_view value, IngressSettings& settings) {
  return set_status(value, settings.temporary_status);
}

Read<void> set_www_redirect(std::string_view value, IngressSettings& settings) {
  return set_flag(value, settings.www_redirect);
}

Read<void> set_forwarded_prefix(std::string_view value, IngressSettings& settings) {
  const auto prefix = config::parse_url_path(value);
  if (!prefix || prefix->contains('$')) return std::unexpected("a path such as /app, without $1");
  settings.request_headers.set.push_back({"x-forwarded-prefix", *prefix});
  return {};
}

// A canary is a second Ingress for the same host and path: served as any other it would only be the younger of two.
Read<void> set_canary(std::string_view value, IngressSettings& settings) {
  return set_flag(value, settings.left_out);
}

constexpr AnnotationRow rows[] = {
    {"ssl-redirect", works, set_ssl_redirect},
    {"force-ssl-redirect", works, set_force_ssl_redirect},
    {"rewrite-target", works, set_rewrite_target},
    {"use-regex", works, set_use_regex},
    {"proxy-body-size", works, set_body_size},
    {"app-root", works, set_app_root},
    {"server-alias", works, set_server_alias},
    {"permanent-redirect", works, set_permanent_redirect},
    {"permanent-redirect-code", works, set_permanent_status},
    {"temporal-redirect", works, set_temporal_redirect},
    {"temporal-redirect-code", works, set_temporal_status},
    {"from-to-www-redirect", works, set_www_redirect},
    {"x-forwarded-prefix", works, set_forwarded_prefix},
    {"canary", works, set_canary},
};

}  // namespace

AnnotationRows nginx_route_annotations() {
  return rows;
}

}  // namespace kube
