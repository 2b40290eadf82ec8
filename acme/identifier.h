// Identifier: what a certificate is to be for. RFC 8555 §9.7.7 (dns), RFC 8738 §3 (ip).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/error.h"

namespace acme {

struct Identifier {
  enum class Type : std::uint8_t { dns, ip };
  Type type = Type::dns;
  // dns: lower-case A-labels, in an order perhaps with "*." in front; ip: in its canonical text form (RFC 5952).
  std::string value;

  [[nodiscard]] bool wildcard() const noexcept { return type == Type::dns && value.starts_with("*."); }
  // Without "*.": what an authorization is for (RFC 8555 §7.1.3).
  [[nodiscard]] Identifier base() const;
  // The server name of a TLS-ALPN-01 handshake: the name itself, or the reverse mapping of the address (RFC 8738 §6).
  [[nodiscard]] std::string alpn_server_name() const;
  friend auto operator<=>(const Identifier&, const Identifier&) = default;
};

// From a host of the configuration, already checked there: an address becomes type ip.
[[nodiscard]] Identifier identifier_of(std::string_view host);
// Sorted, each once.
[[nodiscard]] std::vector<Identifier> identifiers_of(const std::vector<std::string>& hosts);
[[nodiscard]] std::vector<std::string> values_of(const std::vector<Identifier>& identifiers);

[[nodiscard]] nlohmann::json to_json(const Identifier& identifier);
// `json` is controlled by the CA.
[[nodiscard]] base::Result<Identifier> identifier_from(const nlohmann::json& json);

}  // namespace acme
