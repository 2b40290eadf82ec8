#include "proxy/proxy_protocol.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string_view>

namespace proxy {
namespace {

constexpr std::string_view v1_start = "PROXY ";
constexpr std::string_view v2_signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t v1_longest = 107;  // section 2.1, with CR LF
constexpr std::size_t v2_fixed = 16;
constexpr std::size_t v2_most_after = 4096;
constexpr std::size_t v2_size_four = 12;
constexpr std::size_t v2_size_six = 36;

using Parsed = base::Result<std::optional<ProxyHeader>>;

std::unexpected<base::Error> bad(std::string_view why) {
  return base::fail(base::Code::invalid, "PROXY header: " + std::string(why), base::Origin::downstream);
}

// The text up to the next space, which is removed with it.
std::string_view next_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

// Section 2.1: "decimal integer in the range [0..65535] inclusive … leading zeroes are not permitted".
std::optional<std::uint16_t> parse_port(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

enum class Family { four, six };

std::optional<base::IpAddress> parse_address(std::string_view text, Family family) {
  const bool looks_six = text.find(':') != std::string_view::npos;
  if (looks_six != (family == Family::six) || text.starts_with('[')) return std::nullopt;
  return base::IpAddress::parse(text);
}

Parsed parse_v1(std::string_view bytes) {
  const std::size_t end = bytes.substr(0, v1_longest).find('\r');
  if (end == std::string_view::npos) {
    if (bytes.size() >= v1_longest || bytes.find('\n') != std::string_view::npos) return bad("the line does not end");
    return std::nullopt;
  }
  if (end + 1 >= v1_longest) return bad("the line does not end");
  if (end + 1 == bytes.size()) return std::nullopt;
  if (bytes[end + 1] != '\n') return bad("a CR without LF");
  ProxyHeader header{.size = end + 2, .addresses = std::nullopt};
  std::string_view line = bytes.substr(v1_start.size(), end - v1_start.size());
  const std::string_view protocol = next_word(line);
  // "the receiver must ignore anything presented before the CRLF"
  if (protocol == "UNKNOWN") return header;
  if (protocol != "TCP4" && protocol != "TCP6") return bad("neither TCP4, TCP6 nor UNKNOWN");
  const Family family = protocol == "TCP4" ? Family::four : Family::six;
  const auto source = parse_address(next_word(line), family);
  const auto destination = parse_address(next_word(line), family);
  const auto source_port = parse_port(next_word(line));
  const bool more = !line.empty() && line.find(' ') == std::string_view::npos;
  const auto destination_port = more ? parse_port(line) : std::nullopt;
  if (!source || !destination || !source_port || !destination_port) return bad("broken addresses");
  header.addresses = {*source, *destination, *source_port, *destination_port};
  return header;
}

std::uint16_t read_u16(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8U |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

base::IpAddress read_four(std::string_view bytes, std::size_t at) {
  return base::IpAddress::v4(static_cast<std::uint32_t>(read_u16(bytes, at)) << 16U | read_u16(bytes, at + 2));
}

base::IpAddress read_six(std::string_view bytes, std::size_t at) {
  std::array<std::uint8_t, 16> address{};
  std::memcpy(address.data(), bytes.data() + at, address.size());
  return base::IpAddress::v6(address);
}

Parsed parse_v2(std::string_view bytes) {
  if (bytes.size() < v2_fixed) return std::nullopt;
  const auto version_command = static_cast<unsigned char>(bytes[12]);
  const auto family_transport = static_cast<unsigned char>(bytes[13]);
  const std::size_t after = read_u16(bytes, 14);
  if (version_command >> 4U != 2 || (version_command & 0xfU) > 1) return bad("unknown version or command");
  if (after > v2_most_after) return bad("too long");
  if (bytes.size() < v2_fixed + after) return std::nullopt;
  ProxyHeader header{.size = v2_fixed + after, .addresses = std::nullopt};
  const bool is_local = (version_command & 0xfU) == 0;
  const bool is_stream = (family_transport & 0xfU) == 1;
  if (is_local || !is_stream) return header;
  if (family_transport >> 4U == 1) {
    if (after < v2_size_four) return bad("too short for its addresses");
    header.addresses = {read_four(bytes, 16), read_four(bytes, 20), read_u16(bytes, 24), read_u16(bytes, 26)};
  } else if (family_transport >> 4U == 2) {
    if (after < v2_size_six) return bad("too short for its addresses");
    header.addresses = {read_six(bytes, 16), read_six(bytes, 32), read_u16(bytes, 48), read_u16(bytes, 50)};
  }
  return header;
}

void append_u16(std::string& out, std::size_t value) {
  out += static_cast<char>(value >> 8U);
  out += static_cast<char>(value & 0xffU);
}

void append_address(std::string& out, const base::IpAddress& address, Family family) {
  const auto& bytes = address.bytes();
  const std::size_t from = family == Family::four ? 12 : 0;
  out.append(reinterpret_cast<const char*>(bytes.data()) + from, bytes.size() - from);
}

std::string text_of(const base::IpAddress& address, Family family) {
  return family == Family::six && address.is_v4() ? "::ffff:" + address.to_string() : address.to_string();
}

}  // namespace

base::Result<std::optional<ProxyHeader>> parse_proxy_header(std::span<const char> bytes) {
  const std::string_view all(bytes.data(), bytes.size());
  const auto begins = [all](std::string_view start) { return all.starts_with(start) || start.starts_with(all); };
  if (begins(v2_signature)) return parse_v2(all);
  if (!begins(v1_start)) return bad("missing");
  if (all.size() < v1_start.size()) return std::nullopt;
  return parse_v1(all);
}

std::string write_proxy_header(config::ProxyProtocolOut version, const ProxiedAddresses& addresses) {
  if (version == config::ProxyProtocolOut::off) return {};
  const bool four = addresses.source.is_v4() && addresses.destination.is_v4();
  const Family family = four ? Family::four : Family::six;
  std::string out;
  if (version == config::ProxyProtocolOut::v1) {
    out.append(v1_start).append(four ? "TCP4 " : "TCP6 ");
    out.append(text_of(addresses.source, family)).append(" ").append(text_of(addresses.destination, family));
    out.append(" ").append(std::to_string(addresses.source_port));
    return out.append(" ").append(std::to_string(addresses.destination_port)).append("\r\n");
  }
  out.append(v2_signature).append(1, '\x21').append(1, four ? '\x11' : '\x21');
  append_u16(out, four ? v2_size_four : v2_size_six);
  append_address(out, addresses.source, family);
  append_address(out, addresses.destination, family);
  append_u16(out, addresses.source_port);
  append_u16(out, addresses.destination_port);
  return out;
}

}  // namespace proxy
