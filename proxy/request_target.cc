#include "proxy/request_target.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/ascii.h"
#include "base/ip_network.h"

namespace proxy {
namespace {

enum Trait : std::uint8_t {
  target_char = 1,  // may stand in a target
  host_char = 2,    // may stand in a host name
  digit = 4,
};

constexpr std::array<std::uint8_t, 256> make_traits() {
  std::array<std::uint8_t, 256> traits{};
  for (unsigned c = 0x21; c < 0x7f; ++c) traits[c] = target_char;
  traits['#'] = 0;
  const auto mark = [&traits](char from, char to, std::uint8_t what) {
    for (char c = from; c <= to; ++c) traits[static_cast<unsigned char>(c)] |= what;
  };
  mark('a', 'z', host_char);
  mark('A', 'Z', host_char);
  mark('0', '9', host_char | digit);
  for (const char c : {'-', '.', '_'}) mark(c, c, host_char);
  return traits;
}
constexpr auto traits = make_traits();

bool all(std::string_view text, Trait wanted) noexcept {
  return std::ranges::all_of(text, [wanted](char c) { return (traits[static_cast<unsigned char>(c)] & wanted) != 0; });
}

std::unexpected<base::Error> bad(std::string_view why) {
  return base::fail(base::Code::invalid, std::string(why), base::Origin::downstream);
}

// What `text` begins with: the character itself, or what "%2e" stands for. `size` is what it takes in the text.
struct Unit {
  char value;
  std::size_t size;
};

int hex(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = base::lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

Unit unit(std::string_view text) noexcept {
  if (text[0] == '%' && text.size() >= 3) {
    const int high = hex(text[1]);
    const int low = hex(text[2]);
    if (high >= 0 && low >= 0) return {static_cast<char>(high * 16 + low), 3};
  }
  return {text[0], 1};
}

// 1 for ".", 2 for "..", 0 for all else; also when written with %2e.
int dots(std::string_view segment) noexcept {
  int count = 0;
  while (!segment.empty()) {
    const Unit next = unit(segment);
    if (next.value != '.' || count == 2) return 0;
    ++count;
    segment.remove_prefix(next.size);
  }
  return count;
}

// Whether a server that decodes slashes, knows backslashes or strips parameters would find a dot segment inside this
// one.
bool hides_dot_segment(std::string_view segment) noexcept {
  int count = 0;       // dots since the last separator
  bool other = false;  // anything else since then
  bool separated = false;
  const auto found = [&] { return !other && (count == 1 || count == 2); };
  while (!segment.empty()) {
    const Unit next = unit(segment);
    if (next.value == '/' || next.value == '\\') {
      if (found()) return true;
      count = 0;
      other = false;
      separated = true;
    } else if (next.value == '.') {
      ++count;
    } else {
      if (next.value == ';' && found()) return true;
      other = true;
    }
    segment.remove_prefix(next.size);
  }
  return separated && found();
}

// A path that is the same for everybody costs one scan; only what has a '%', a dot or a backslash is looked at by
// segments.
bool is_ambiguous(std::string_view path) noexcept {
  if (path.find_first_of("%\\;") == std::string_view::npos) return false;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    if (hides_dot_segment(segment)) return true;
    for (std::size_t at = segment.find('%'); at != std::string_view::npos; at = segment.find('%', at + 1)) {
      if (unit(segment.substr(at)).value == '\0') return true;
    }
    path.remove_prefix(end);
  }
  return false;
}

bool is_port(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || !all(text, digit)) return false;
  unsigned value = 0;
  for (const char c : text) value = value * 10 + static_cast<unsigned>(c - '0');
  return value <= 65535;
}

bool is_host_name(std::string_view host) noexcept {
  // RFC 1035 §2.3.4: a name has at most 255 octets.
  if (host.empty() || host.size() > 255 || !all(host, host_char)) return false;
  return host.front() != '.' && host.back() != '.' && host.find("..") == std::string_view::npos;
}

// In place; allocates nothing.
base::Result<void> normalize_authority(std::string& authority) {
  const auto parts = split_authority(authority);
  if (parts.host.starts_with('[') &&
      (parts.host.find(':') == std::string_view::npos || !base::IpAddress::parse(parts.host))) {
    return bad("the authority is no IPv6 address");
  }
  const std::size_t host_size = parts.host.size();
  const bool has_colon = authority.size() > host_size;
  // RFC 3986 §3.2.3: an empty port is the default one, and so is none.
  if (has_colon && (authority[host_size] != ':' || (!parts.port.empty() && !is_port(parts.port)))) {
    return bad("the port of the authority is no number");
  }
  if (has_colon && parts.port.empty()) authority.resize(host_size);
  if (!authority.starts_with('[')) {
    if (host_size > 1 && authority[host_size - 1] == '.') authority.erase(host_size - 1, 1);
    if (!is_host_name(split_authority(authority).host)) return bad("the authority is no host name");
  }
  base::make_lower(authority);
  return {};
}

// RFC 9112 §3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that lacks
// a Host header field and to any request message that contains more than one Host header field line".
base::Result<void> take_host_field(RequestHead& head, std::string_view otherwise) {
  const std::size_t hosts = head.headers.count(http::field::host);
  if (hosts > 1) return bad("several Host fields");
  if (hosts == 1) {
    const std::string_view host = *head.headers.find(http::field::host);
    if (head.authority.empty()) {
      head.authority = host;
    } else if (!iequals(head.authority, host)) {
      return bad("Host differs from the authority");
    }
    head.headers.remove(http::field::host);
  }
  if (head.version == HttpVersion::http11 && head.authority.empty()) return bad("no Host");
  if (head.version == HttpVersion::http10 && head.authority.empty()) head.authority = otherwise;
  return {};
}

base::Result<void> take_absolute_form(RequestHead& head) {
  std::string_view rest = head.target;
  const std::size_t scheme = rest.find("://");
  if (scheme == std::string_view::npos ||
      (!iequals(rest.substr(0, scheme), "http") && !iequals(rest.substr(0, scheme), "https"))) {
    return bad("the target is no path");
  }
  rest.remove_prefix(scheme + 3);
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  // RFC 9112 §3.2.2: "an origin server … MUST ignore the received Host header field (if any) and instead replace it
  // with the host information of the request-target".
  head.authority = rest.substr(0, end);
  if (head.authority.empty()) return bad("the target has no host");
  rest.remove_prefix(end);
  std::string target;
  if (rest.empty() && head.verb == http::verb::options) {
    target = "*";  // RFC 9112 §3.2.4
  } else {
    if (!rest.starts_with('/')) target = "/";
    target += rest;
  }
  head.target = std::move(target);
  return {};
}

base::Result<void> take_authority_form(RequestHead& head) {
  if (head.target.empty()) head.target = head.authority;
  head.authority = head.target;
  if (auto valid = normalize_authority(head.authority); !valid) return valid;
  if (split_authority(head.authority).port.empty()) return bad("CONNECT without a port");
  head.target = head.authority;
  return {};
}

bool is_unreserved(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

// RFC 3986 §6.2.2.2: "any percent-encoded octet that corresponds to an unreserved character" is decoded, so that
// "/%61dmin" does not get around the route for "/admin". A path with a '%' that encodes nothing stays as it is:
// decoding what is beside it could make a new octet of it.
void decode_unreserved(std::string& target) {
  const std::size_t end = std::min(target.find('?'), target.size());
  if (target.find('%') >= end) return;
  std::string plain;
  plain.reserve(target.size());
  for (std::size_t at = 0; at < end;) {
    const Unit next = unit(std::string_view(target).substr(at, end - at));
    if (target[at] == '%' && next.size == 1) return;
    if (next.size == 3 && is_unreserved(next.value)) {
      plain += next.value;
    } else {
      plain.append(target, at, next.size);
    }
    at += next.size;
  }
  target = plain.append(target, end);
}

base::Result<void> normalize_path(std::string& target) {
  const std::string_view path = std::string_view(target).substr(0, target.find('?'));
  if (is_ambiguous(path)) return bad("the path can be read in two ways");
  if (needs_path_normalization(path)) target = normalized_path(path).append(target, path.size());
  decode_unreserved(target);
  return {};
}

}  // namespace

base::Result<void> normalize_target(RequestHead& head, std::string_view otherwise) {
  if (!all(head.target, target_char)) return bad("the target holds a control, a space, a fragment or non-ASCII");
  if (!head.upgrade.empty() && !is_acceptable_upgrade(head.upgrade)) return bad("no protocol to switch to");
  if (auto taken = take_host_field(head, otherwise); !taken) return taken;
  const bool extended_connect = head.version == HttpVersion::http2 && !head.upgrade.empty();
  if (head.verb == http::verb::connect && !extended_connect) return take_authority_form(head);
  if (head.target == "*") {
    if (head.verb != http::verb::options) return bad("\"*\" is for OPTIONS only");
  } else if (!head.target.starts_with('/')) {
    if (head.version == HttpVersion::http2) return bad("the path does not begin with a slash");
    if (auto taken = take_absolute_form(head); !taken) return taken;
  }
  if (!head.authority.empty()) {
    if (auto valid = normalize_authority(head.authority); !valid) return valid;
  }
  return head.target.starts_with('/') ? normalize_path(head.target) : base::Result<void>();
}

bool is_acceptable_upgrade(std::string_view protocol) noexcept {
  const auto may_stand = [](char c) {
    return std::string_view("\"(),:;<=>?@[\\]{}").find(c) == std::string_view::npos && c > 0x20 && c < 0x7f;
  };
  return !protocol.empty() && std::ranges::all_of(protocol, may_stand) && !iequals(protocol, "h2c");
}

AuthorityParts split_authority(std::string_view authority) noexcept {
  std::size_t host_end = 0;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    host_end = close == std::string_view::npos ? authority.size() : close + 1;
  } else {
    host_end = std::min(authority.find(':'), authority.size());
  }
  const std::string_view rest = authority.substr(host_end);
  return {authority.substr(0, host_end), rest.substr(std::min<std::size_t>(1, rest.size()))};
}

bool needs_path_normalization(std::string_view path) noexcept {
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    const std::string_view rest = path.substr(slash + 1);
    if (rest.empty() || (rest[0] != '.' && rest[0] != '%')) continue;
    if (dots(rest.substr(0, rest.find('/'))) != 0) return true;
  }
  return false;
}

std::string normalized_path(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  while (!path.empty()) {
    // `path` begins with a slash here, or is the text in front of the first one.
    const std::size_t from = path.starts_with('/') ? 1 : 0;
    const std::size_t end = std::min(path.find('/', from), path.size());
    const std::string_view segment = path.substr(from, end - from);
    const int level = dots(segment);
    if (level == 0) {
      out.append(path.substr(0, end));
    } else {
      const std::size_t parent = out.rfind('/');
      if (level == 2) out.resize(parent == std::string::npos ? 0 : parent);
      if (end == path.size()) out += '/';  // RFC 3986 §5.2.4, 2B and 2C: the slash in front of it stays
    }
    path.remove_prefix(end);
  }
  if (out.empty()) out = "/";
  return out;
}

bool has_lenient_reading(std::string_view path) noexcept {
  if (path.find_first_of(";\\") != std::string_view::npos || path.find("//") != std::string_view::npos) return true;
  for (std::size_t at = path.find('%'); at != std::string_view::npos; at = path.find('%', at + 1)) {
    const char value = unit(path.substr(at)).value;
    if (value == '/' || value == '\\' || value == ';') return true;
  }
  return false;
}

std::string lenient_path(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  bool in_parameters = false;
  while (!path.empty()) {
    const Unit next = unit(path);
    const std::string_view sent = path.substr(0, next.size);
    path.remove_prefix(next.size);
    if (next.value == '/' || next.value == '\\') {
      in_parameters = false;
      if (!out.ends_with('/')) out += '/';
    } else if (next.value == ';') {
      in_parameters = true;
    } else if (!in_parameters) {
      out.append(sent);
    }
  }
  return out;
}

bool matches_prefix(std::string_view path, std::string_view prefix) noexcept {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  if (!path.starts_with(prefix)) return false;
  return prefix.empty() || path.size() == prefix.size() || path[prefix.size()] == '/';
}

std::string replace_prefix(std::string_view target, std::string_view prefix, std::string_view replacement) {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  const std::string_view path = target.substr(0, target.find('?'));
  const std::string_view query = target.substr(path.size());
  if (!matches_prefix(path, prefix)) {
    const std::string lenient = has_lenient_reading(path) ? lenient_path(path) : std::string();
    if (!matches_prefix(lenient, prefix)) return std::string(target);
    return replace_prefix(lenient + std::string(query), prefix, replacement);
  }
  const std::string_view rest = path.substr(prefix.size());
  // "/v2/" and "/x" make "/v2/x"; "/v2/" alone stays as the operator wrote it.
  if (!rest.empty()) {
    while (replacement.ends_with('/')) replacement.remove_suffix(1);
  }
  std::string out;
  out.reserve(1 + replacement.size() + rest.size() + query.size());
  if (!replacement.starts_with('/') && !(replacement.empty() && rest.starts_with('/'))) out += '/';
  return out.append(replacement).append(rest).append(query);
}

}  // namespace proxy
