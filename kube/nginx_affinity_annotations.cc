// ingress-nginx's annotations on sticky sessions.
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

Read<void> set_affinity(std::string_view value, IngressSettings& settings) {
  if (value != "cookie") return std::unexpected("cookie");
  settings.sticky = true;
  if (settings.affinity_cookie.name.empty()) settings.affinity_cookie.name = "INGRESSCOOKIE";
  return {};
}

Read<void> set_mode(std::string_view value, IngressSettings& /*settings*/) {
  if (value == "persistent") return {};
  return std::unexpected("persistent: a client is never taken from an endpoint that it can go on using");
}

Read<void> set_name(std::string_view value, IngressSettings& settings) {
  const auto name = config::parse_cookie_name(value);
  if (!name) return std::unexpected(name.error());
  settings.affinity_cookie.name = *name;
  return {};
}

Read<void> set_path(std::string_view value, IngressSettings& settings) {
  const auto path = config::parse_cookie_path(value);
  if (!path) return std::unexpected(path.error());
  settings.affinity_cookie.path = *path;
  return {};
}

// Of session-cookie-expires too, which says the same to browsers of old; session-cookie-max-age comes after it by name,
// and so wins.
Read<void> set_max_age(std::string_view value, IngressSettings& settings) {
  constexpr std::uint64_t longest = 10ULL * 365 * 86'400;
  const auto seconds = parse_number(value, 0, longest);
  if (!seconds) return std::unexpected(seconds.error());
  settings.affinity_cookie.max_age = std::chrono::seconds(*seconds);
  return {};
}

Read<void> set_same_site(std::string_view value, IngressSettings& settings) {
  const std::string word = base::lower_case(value);
  config::SameSite& same_site = settings.affinity_cookie.same_site;
  if (word == "lax") {
    same_site = config::SameSite::lax;
  } else if (word == "strict") {
    same_site = config::SameSite::strict;
  } else if (word == "none") {
    same_site = config::SameSite::none;
  } else {
    return std::unexpected("None, Lax or Strict");
  }
  return {};
}

Read<void> set_secure(std::string_view value, IngressSettings& settings) {
  const auto wanted = parse_flag(value);
  if (!wanted) return std::unexpected(wanted.error());
  settings.affinity_cookie.secure = *wanted;
  return {};
}

constexpr AnnotationRow rows[] = {
    {"affinity", works, set_affinity},
    {"affinity-mode", works, set_mode},
    {"session-cookie-name", works, set_name},
    {"session-cookie-path", works, set_path},
    {"session-cookie-max-age", works, set_max_age},
    {"session-cookie-expires", works, set_max_age},
    {"session-cookie-samesite", works, set_same_site},
    {"session-cookie-secure", works, set_secure},
    {"session-cookie-domain", unsupported, nullptr, "the cookie is for the host that the request was sent to"},
    {"session-cookie-conditional-samesite-none", inert, nullptr, "browsers that cannot read SameSite=None are gone"},
    {"session-cookie-change-on-failure", inert, nullptr, "whoever's endpoint fails is always led to another"},
    {"session-cookie-hash", inert, nullptr, "the cookie's value is a keyed hash"},
    {"affinity-canary-behavior", unsupported, nullptr, "canaries come with traffic policies"},
};

}  // namespace

AnnotationRows nginx_affinity_annotations() {
  return rows;
}

}  // namespace kube
