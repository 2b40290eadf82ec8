#include "proxy/forwarded.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "proxy/address_text.h"
#include "proxy/request_target.h"

namespace proxy {
namespace {

// The last element of a comma-separated list; it is cut off from `list`.
std::string_view take_last(std::string_view& list) noexcept {
  const std::size_t comma = list.rfind(',');
  const std::string_view last = comma == std::string_view::npos ? list : list.substr(comma + 1);
  list = comma == std::string_view::npos ? std::string_view() : list.substr(0, comma);
  return trim(last);
}

// "192.0.2.1", "192.0.2.1:80" (Application Gateway writes the port), "2001:db8::1", "[2001:db8::1]:80".
std::optional<base::IpAddress> parse_node(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  if (text.starts_with('[')) return base::IpAddress::parse(text.substr(0, text.find(']') + 1));
  if (std::ranges::count(text, ':') == 1) text = text.substr(0, text.find(':'));
  return base::IpAddress::parse(text);
}

// The value of `name` in one element of Forwarded ("for=1.2.3.4;proto=https"). Quoted text that holds ',' or ';' is not
// understood: it cannot be an address, and the walk ends there.
std::string_view parameter(std::string_view element, std::string_view name) noexcept {
  while (!element.empty()) {
    const std::size_t end = std::min(element.find(';'), element.size());
    const std::string_view pair = trim(element.substr(0, end));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && iequals(pair.substr(0, equals), name)) return pair.substr(equals + 1);
    element.remove_prefix(std::min(end + 1, element.size()));
  }
  return {};
}

bool is_trusted(const base::IpAddress& address, const std::vector<base::IpNetwork>& trusted) noexcept {
  return std::ranges::any_of(trusted, [&](const base::IpNetwork& network) { return network.contains(address); });
}

enum class Notation { x_forwarded_for, forwarded };

// From the nearest hop outwards: the first that is not trusted is the client. What cannot be read ends the walk.
base::IpAddress walk(base::IpAddress nearest, std::string_view list, Notation notation,
                     const std::vector<base::IpNetwork>& trusted) {
  while (!list.empty() && is_trusted(nearest, trusted)) {
    const std::string_view element = take_last(list);
    const auto node = parse_node(notation == Notation::forwarded ? parameter(element, "for") : element);
    if (!node) break;
    nearest = *node;
  }
  return nearest;
}

// Text of bounded length on the stack.
template <std::size_t Size>
class Text {
 public:
  Text& append(std::string_view part) noexcept {
    const std::size_t taken = std::min(part.size(), Size - size_);
    std::memcpy(bytes_.data() + size_, part.data(), taken);
    size_ += taken;
    return *this;
  }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<char, Size> bytes_;
  std::size_t size_ = 0;
};

using NodeText = Text<64>;

// RFC 7239 §6: "an IPv6 address is always enclosed in square brackets", and so has to be quoted.
NodeText forwarded_node(const base::IpAddress& address, std::string_view text) noexcept {
  NodeText node;
  if (address.is_v4()) return node.append("for=").append(text);
  return node.append("for=\"[").append(text).append("]\"");
}

std::string_view default_port(std::string_view scheme) noexcept {
  return scheme == "https" ? "443" : "80";
}

// What the trusted hops in front of us have said; several fields of one name are one list. Copies: the fields change
// below.
struct Said {
  std::string x_for, forwarded, proto, host, port;
  explicit Said(const HeaderList& headers);
};

Said::Said(const HeaderList& headers) {
  const auto take = [](std::string& into, std::string_view value) {
    if (!into.empty() && !value.empty()) into += ", ";
    into += value;
  };
  for (const HeaderView field : headers) {
    if (!tells_of_client(field)) continue;
    if (field.id == http::field::forwarded) take(forwarded, field.value);
    if (field.name == "x-forwarded-for") take(x_for, field.value);
    if (field.name == "x-forwarded-proto") take(proto, field.value);
    if (field.name == "x-forwarded-host") take(host, field.value);
    if (field.name == "x-forwarded-port") take(port, field.value);
  }
}

// "https" or "http", by what was said if it is one of them.
std::string_view scheme_of(std::string_view said, std::string_view own) noexcept {
  const std::string_view first = trim(said.substr(0, said.find(',')));
  if (iequals(first, "https")) return "https";
  return iequals(first, "http") ? "http" : own;
}

// With both notations, X-Forwarded-For counts: it is what load balancers write.
base::IpAddress client_of(const Said& said, const base::IpAddress& peer, const std::vector<base::IpNetwork>& trusted) {
  return said.x_for.empty() ? walk(peer, said.forwarded, Notation::forwarded, trusted)
                            : walk(peer, said.x_for, Notation::x_forwarded_for, trusted);
}

void add_from_ourselves(RequestHead& request, const ConnectionFacts& connection, std::string_view client) {
  HeaderList& headers = request.headers;
  const std::string_view scheme = connection.tls ? "https" : "http";
  const std::string_view port = split_authority(request.authority).port;
  headers.add(http::field::unknown, "x-forwarded-for", client);
  headers.add(http::field::unknown, "x-forwarded-proto", scheme);
  headers.add(http::field::unknown, "x-forwarded-host", request.authority);
  headers.add(http::field::unknown, "x-forwarded-port", port.empty() ? default_port(scheme) : port);
  headers.add(http::field::unknown, "x-real-ip", client);
  // The authority is a valid host[:port]: it needs quotes, and nothing in it has to be escaped.
  headers.add_parts(
      http::field::forwarded, "forwarded",
      {forwarded_node(connection.client, client).view(), ";host=\"", request.authority, "\";proto=", scheme});
}

// May stand between quotes as it is.
bool is_quotable(std::string_view text) noexcept {
  return !text.empty() && text.find_first_of("\"\\") == std::string_view::npos;
}

// Spelled with letters and hyphens alone, as everybody does.
bool is_usual(std::string_view name) noexcept {
  return std::ranges::all_of(name, [](char c) { return c == '-' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

base::IpAddress add_to_chain(RequestHead& request, const ConnectionFacts& connection, std::string_view peer,
                             const std::vector<base::IpNetwork>& trusted) {
  HeaderList& headers = request.headers;
  const Said said(headers);
  const base::IpAddress client = client_of(said, connection.client, trusted);
  const std::string_view first_element = std::string_view(said.forwarded).substr(0, said.forwarded.find(','));
  const std::string_view proto = said.proto.empty() ? parameter(first_element, "proto") : std::string_view(said.proto);
  const std::string_view scheme = scheme_of(proto, connection.tls ? "https" : "http");
  const std::string_view host =
      is_quotable(said.host) ? std::string_view(said.host) : std::string_view(request.authority);
  const std::string_view port = split_authority(request.authority).port;
  headers.remove_if([](const HeaderView& field) {
    return tells_of_client(field) && (field.id == http::field::forwarded || field.name == "x-forwarded-for" ||
                                      is_spelling_of(field.name, "x-real-ip") || !is_usual(field.name));
  });

  // Where one notation is missing it says what the other does: the client as we believe it, then our peer.
  const AddressText client_text(client);
  const bool far = client != connection.client;
  const std::string_view before = said.x_for.empty() && far ? client_text.view() : std::string_view(said.x_for);
  headers.add_parts(http::field::unknown, "x-forwarded-for", {before, before.empty() ? "" : ", ", peer});
  const NodeText peer_node = forwarded_node(connection.client, peer);
  const NodeText client_node = forwarded_node(client, client_text.view());
  if (!said.forwarded.empty()) {
    headers.add_parts(http::field::forwarded, "forwarded", {said.forwarded, ", ", peer_node.view()});
  } else {
    headers.add_parts(http::field::forwarded, "forwarded",
                      {client_node.view(), ";host=\"", host, "\";proto=", scheme, far ? ", " : "",
                       far ? peer_node.view() : std::string_view()});
  }
  if (said.proto.empty()) headers.set("x-forwarded-proto", scheme);
  if (said.host.empty()) headers.set("x-forwarded-host", request.authority);
  if (said.port.empty()) headers.set("x-forwarded-port", port.empty() ? default_port(scheme) : port);
  headers.add(http::field::unknown, "x-real-ip", client_text.view());
  return client;
}

}  // namespace

bool tells_of_client(const HeaderView& field) noexcept {
  constexpr std::string_view prefix = "x-forwarded-";
  if (field.id == http::field::forwarded) return true;
  if (field.id != http::field::unknown || field.name.size() < 9 || field.name[0] != 'x') return false;
  return is_spelling_of(field.name.substr(0, prefix.size()), prefix) || is_spelling_of(field.name, "x-real-ip");
}

base::IpAddress apply_forwarded(RequestHead& request, const ConnectionFacts& connection,
                                const std::vector<base::IpNetwork>& trusted) {
  const AddressText peer(connection.client);
  if (!trusted.empty() && is_trusted(connection.client, trusted)) {
    return add_to_chain(request, connection, peer.view(), trusted);
  }
  request.headers.remove_if(tells_of_client);
  add_from_ourselves(request, connection, peer.view());
  return connection.client;
}

base::IpAddress client_behind(const HeaderList& headers, const ConnectionFacts& connection,
                              const std::vector<base::IpNetwork>& trusted) {
  if (trusted.empty() || !is_trusted(connection.client, trusted)) return connection.client;
  return client_of(Said(headers), connection.client, trusted);
}

}  // namespace proxy
