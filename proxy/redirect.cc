#include "proxy/redirect.h"

#include "proxy/request_target.h"

namespace proxy {

std::string redirect_location(const config::Redirect& redirect, const RequestHead& request, bool over_tls,
                              std::string_view matched_prefix) {
  const std::string_view own_scheme = over_tls ? "https" : "http";
  const std::string_view scheme = redirect.scheme ? std::string_view(*redirect.scheme) : own_scheme;
  const AuthorityParts asked = split_authority(request.authority);
  std::string location(scheme);
  location.append("://").append(redirect.host ? std::string_view(*redirect.host) : asked.host);
  const std::uint16_t usual = scheme == "https" ? 443 : 80;
  if (redirect.port) {
    if (*redirect.port != usual) location.append(":").append(std::to_string(*redirect.port));
  } else if (!redirect.scheme && !redirect.host && !asked.port.empty()) {
    // The port belongs to the scheme and host that the client asked for: it is kept with them only.
    location.append(":").append(asked.port);
  }
  const std::string_view target = request.target;
  if (redirect.path) {
    location.append(*redirect.path).append(target.substr(request.path().size()));
  } else if (redirect.replace_prefix && !matched_prefix.empty()) {
    location.append(replace_prefix(target, matched_prefix, *redirect.replace_prefix));
  } else if (target.starts_with('/')) {
    location.append(target);
  } else {
    location.append("/");
  }
  return location;
}

}  // namespace proxy
