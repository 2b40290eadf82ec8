#include <algorithm>
#include <utility>

#include "config/sections.h"

namespace config {
namespace {

Read<base::IpNetwork> parse_network(std::string_view text) {
  const auto network = base::IpNetwork::parse(text);
  if (!network) return std::unexpected("a network such as 10.0.0.0/8 or 2001:db8::/32, or one address");
  return *network;
}

Listener read_listener(const Mapping& map) {
  Listener listener;
  if (const auto address = map.require("address")) {
    listener.address = address->parsed(parse_socket_address).value_or(SocketAddress());
  }
  listener.tls = map.boolean("tls", false);
  if (const auto protocol = map.find("proxy_protocol")) {
    const Mapping proxy_protocol(*protocol, keys::proxy_protocol);
    listener.proxy_protocol_from = read_networks(proxy_protocol.require("from"));
  }
  return listener;
}

// Port 0 is another port each time.
bool same_place(const SocketAddress& one, const SocketAddress& other) {
  return one == other && one.port != 0;
}

}  // namespace

std::vector<base::IpNetwork> read_networks(const std::optional<Value>& value) {
  return parsed_list(value, parse_network);
}

ListenersSection read_listeners(const Value& value) {
  ListenersSection section;
  const std::vector<Value> elements = value.list();
  if (elements.empty() && value.is(YamlNode::Kind::sequence)) value.refuse("an empty list", "at least one listener");
  for (const Value& element : elements) {
    const Mapping map(element, keys::listener);
    Listener listener = read_listener(map);
    const bool taken = std::ranges::any_of(
        section.listeners, [&listener](const Listener& other) { return same_place(listener.address, other.address); });
    if (taken) map.find("address")->refuse("an address that no other listener has");
    if (listener.tls && !section.first_tls) section.first_tls = map.key_mark("tls");
    section.listeners.push_back(std::move(listener));
  }
  return section;
}

Admin read_admin(const Value& value, const std::vector<Listener>& listeners) {
  const Mapping map(value, keys::admin);
  Admin admin;
  if (const auto address = map.require("address")) {
    admin.address = address->parsed(parse_socket_address).value_or(SocketAddress());
    const bool taken = std::ranges::any_of(
        listeners, [&admin](const Listener& listener) { return same_place(admin.address, listener.address); });
    if (taken) address->refuse("an address that no listener has");
  }
  if (map.has("token_file")) admin.token_file = map.path("token_file");
  return admin;
}

}  // namespace config
