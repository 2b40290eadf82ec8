#include "acme/server_url.h"

#include <algorithm>
#include <cstddef>

#include "base/http_url.h"

namespace acme {
namespace {

constexpr std::size_t longest_url = 2000;

}  // namespace

bool is_server_url(std::string_view url) {
  if (url.size() > longest_url || std::ranges::any_of(url, [](char c) { return c <= ' ' || c > '~'; })) return false;
  const auto parsed = base::parse_http_url(url);
  if (!parsed || parsed->host().empty()) return false;
  return parsed->secure || base::is_loopback_host(parsed->host());
}

bool leads_to_loopback(std::string_view url) {
  const auto parsed = base::parse_http_url(url);
  return parsed && base::is_loopback_host(parsed->host());
}

}  // namespace acme
