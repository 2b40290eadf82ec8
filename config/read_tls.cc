#include <set>
#include <utility>

#include "config/sections.h"

namespace config {
namespace {

const Words<TlsProfile> profiles{{"intermediate", TlsProfile::intermediate}, {"modern", TlsProfile::modern}};
const Words<UnknownName> unknown_names{{"default", UnknownName::serve_default}, {"reject", UnknownName::reject}};
const Words<ClientCertificateMode> modes{{"off", ClientCertificateMode::off},
                                         {"optional", ClientCertificateMode::optional},
                                         {"required", ClientCertificateMode::required}};

// RFC 8446 §4.6.1: "Clients MUST NOT use tickets for longer than 7 days", so a longer life of a key serves nothing.
constexpr Range<milliseconds> rotations{std::chrono::seconds(1), std::chrono::days(7)};

ClientCertificates read_client_certificates(const Value& value) {
  const Mapping map(value, keys::client_certificates);
  ClientCertificates certificates;
  // No default: a mapping that names a CA and forgets the mode would look like protection and be none.
  if (const auto mode = map.require("mode")) {
    certificates.mode = mode->choice(modes).value_or(ClientCertificateMode::off);
  }
  certificates.ca_certificates = map.path("ca_certificates");
  if (certificates.mode != ClientCertificateMode::off && !map.has("ca_certificates")) {
    value.refuse("client certificates without `ca_certificates`", "the CA certificates that they are checked against");
  }
  return certificates;
}

// A client sends names only, never addresses (RFC 6066 §3), so an address here would silently protect nothing.
Read<std::string> parse_sni_pattern(std::string_view text) {
  if (is_ip_address(text)) return std::unexpected("a host name: clients send no address as the server name");
  return parse_host_pattern(text);
}

TlsHost read_host(const Value& value) {
  const Mapping map(value, keys::tls_host);
  TlsHost host;
  if (const auto hosts = map.require("hosts")) {
    host.hosts = parsed_list(hosts, parse_sni_pattern);
    if (hosts->is(YamlNode::Kind::sequence) && hosts->node().items.empty()) {
      hosts->refuse("an empty list", "at least one host");
    }
  }
  if (const auto certificates = map.require("client_certificates")) {
    host.client_certificates = read_client_certificates(*certificates);
  }
  return host;
}

std::vector<TlsHost> read_hosts(const Value& value) {
  std::vector<TlsHost> hosts;
  std::set<std::string> named;
  for (const Value& element : value.list()) {
    TlsHost host = read_host(element);
    for (const std::string& name : host.hosts) {
      if (!named.insert(name).second) element.refuse("host " + quote(name) + " a second time", "each host only once");
    }
    hosts.push_back(std::move(host));
  }
  return hosts;
}

seconds read_rotation(const Value& value, seconds otherwise) {
  if (value.is(YamlNode::Kind::scalar)) {
    // A plain `false` too: YAML 1.1 tools write `off` so.
    if (value.node().text == "off" || value.is_word("false")) return seconds(0);
    value.refuse("off, or a mapping with `rotation`");
    return otherwise;
  }
  const Mapping map(value, keys::tickets);
  return map.whole_seconds("rotation", otherwise, rotations);
}

}  // namespace

Tls read_tls(const Value& value) {
  const Mapping map(value, keys::tls);
  Tls tls;
  tls.profile = map.choice("profile", tls.profile, profiles);
  tls.unknown_name = map.choice("unknown_name", tls.unknown_name, unknown_names);
  if (const auto certificates = map.find("client_certificates")) {
    tls.client_certificates = read_client_certificates(*certificates);
  }
  if (const auto hosts = map.find("hosts")) tls.hosts = read_hosts(*hosts);
  if (const auto tickets = map.find("tickets")) tls.ticket_rotation = read_rotation(*tickets, tls.ticket_rotation);
  return tls;
}

}  // namespace config
