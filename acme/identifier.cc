#include "acme/identifier.h"

#include <algorithm>
#include <cstdint>
#include <ranges>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "base/ip_network.h"
#include "certstore/host_name.h"

namespace acme {
namespace {

// RFC 1035 §3.5, RFC 3596 §2.5.
std::string reverse_name(const base::IpAddress& address) {
  const auto& bytes = address.bytes();
  std::string name;
  if (address.is_v4()) {
    return fmt::format("{}.{}.{}.{}.in-addr.arpa", bytes[15], bytes[14], bytes[13], bytes[12]);
  }
  for (const std::uint8_t byte : std::views::reverse(bytes)) {
    name += fmt::format("{:x}.{:x}.", byte & 0xfU, byte >> 4U);
  }
  return name + "ip6.arpa";
}

}  // namespace

Identifier Identifier::base() const {
  return {type, wildcard() ? value.substr(2) : value};
}

std::string Identifier::alpn_server_name() const {
  if (type == Type::dns) return value;
  const auto address = ::base::IpAddress::parse(value);
  return address ? reverse_name(*address) : value;
}

Identifier identifier_of(std::string_view host) {
  if (const auto address = base::IpAddress::parse(host)) return {Identifier::Type::ip, address->to_string()};
  return {Identifier::Type::dns, std::string(host)};
}

std::vector<Identifier> identifiers_of(const std::vector<std::string>& hosts) {
  std::vector<Identifier> identifiers;
  identifiers.reserve(hosts.size());
  for (const std::string& host : hosts) identifiers.push_back(identifier_of(host));
  std::ranges::sort(identifiers);
  const auto twice = std::ranges::unique(identifiers);
  identifiers.erase(twice.begin(), twice.end());
  return identifiers;
}

std::vector<std::string> values_of(const std::vector<Identifier>& identifiers) {
  std::vector<std::string> values;
  values.reserve(identifiers.size());
  for (const Identifier& identifier : identifiers) values.push_back(identifier.value);
  return values;
}

nlohmann::json to_json(const Identifier& identifier) {
  return {{"type", identifier.type == Identifier::Type::dns ? "dns" : "ip"}, {"value", identifier.value}};
}

base::Result<Identifier> identifier_from(const nlohmann::json& json) {
  const std::string* const type = text_member(json, "type");
  const std::string* const value = text_member(json, "value");
  if (type == nullptr || value == nullptr) return lacks("identifier", type == nullptr ? "type" : "value");
  if (*type == "dns") {
    if (auto name = certstore::canonical_host_name(*value)) return Identifier{Identifier::Type::dns, *std::move(name)};
  } else if (*type == "ip") {
    if (const auto address = ::base::IpAddress::parse(*value))
      return Identifier{Identifier::Type::ip, address->to_string()};
  }
  return lacks("identifier", *type == "dns" || *type == "ip" ? "value" : "type");
}

}  // namespace acme
