#include "proxy/affinity.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/base64.h"
#include "base/openssl.h"

namespace proxy {
namespace {

constexpr std::size_t value_bytes = 16;
constexpr std::size_t most_looked_at = 4;  // so that a long Cookie field costs no more than it is long

std::string hmac(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  std::size_t size = 0;
  EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, key.data(), key.size(),
            reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), mac.size(), &size);
  return {reinterpret_cast<const char*>(mac.data()), std::min(size, value_bytes)};
}

const EndpointState* endpoint_of_value(std::string_view value, const BackendState& state) {
  if (value.empty()) return nullptr;
  const auto found = std::ranges::find(state.endpoints, value, &EndpointState::affinity);
  return found == state.endpoints.end() ? nullptr : &*found;
}

std::string_view word(config::SameSite same_site) {
  constexpr std::array<std::string_view, 3> words{"Lax", "Strict", "None"};
  return words.at(static_cast<std::size_t>(same_site));
}

}  // namespace

std::string affinity_value(const config::Backend& backend, std::string_view secret, const tcp::endpoint& address) {
  const std::string& key = backend.affinity->key;
  const std::string own_key = key.empty() ? std::string(secret) + '/' + backend.name : key;
  const auto six = address.address().is_v6()
                       ? address.address().to_v6()
                       : asio::ip::make_address_v6(asio::ip::v4_mapped, address.address().to_v4());
  return base::to_base64url(hmac(own_key, six.to_string() + ' ' + std::to_string(address.port())));
}

// RFC 6265 §4.2.1: name=value pairs between "; ". RFC 9113 §8.2.3: HTTP/2 may send them in several fields.
std::optional<tcp::endpoint> endpoint_of_cookie(const HeaderList& headers, const BackendState& state) {
  const std::string_view name = state.config->affinity->name;
  std::size_t looked_at = 0;
  for (const HeaderView field : headers) {
    if (field.id != http::field::cookie) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      const std::string_view pair = trim(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (!pair.starts_with(name) || pair.size() == name.size() || pair[name.size()] != '=') continue;
      const EndpointState* endpoint = endpoint_of_value(pair.substr(name.size() + 1), state);
      if (endpoint != nullptr) return endpoint->address;
      if (++looked_at == most_looked_at) return std::nullopt;
    }
  }
  return std::nullopt;
}

std::string affinity_cookie(const config::AffinityCookie& cookie, const EndpointState& endpoint,
                            std::string_view route_path, ClientScheme scheme) {
  // A semicolon would end the attribute (RFC 6265 §4.1.1).
  const bool fits = !route_path.empty() && !route_path.contains(';');
  std::string text = cookie.name + '=' + endpoint.affinity + "; Path=";
  text += !cookie.path.empty() ? std::string_view(cookie.path) : fits ? route_path : "/";
  if (cookie.max_age.count() > 0) text += "; Max-Age=" + std::to_string(cookie.max_age.count());
  text += "; HttpOnly; SameSite=";
  text += word(cookie.same_site);
  const bool secure =
      cookie.same_site == config::SameSite::none || cookie.secure.value_or(scheme == ClientScheme::https);
  if (secure) text += "; Secure";
  return text;
}

}  // namespace proxy
