#include "kube/annotation_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/ascii.h"
#include "config/sections.h"

namespace kube {
namespace {

bool is_one_of(std::string_view text, const std::array<std::string_view, 6>& words) {
  return std::ranges::find(words, text) != words.end();
}

// Takes the digits in front; none if there are none, or too many.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number > (std::uint64_t{1} << 50U)) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::optional<std::uint64_t> unit_in_seconds(std::string_view& text) {
  constexpr std::array<std::pair<char, std::uint64_t>, 3> units{{{'h', 3600}, {'m', 60}, {'s', 1}}};
  for (const auto& [letter, seconds] : units) {
    if (text.empty() || text.front() != letter) continue;
    text.remove_prefix(1);
    return seconds;
  }
  return std::nullopt;
}

}  // namespace

config::Read<bool> parse_flag(std::string_view text) {
  text = base::trimmed(text);
  if (is_one_of(text, {"true", "True", "TRUE", "t", "T", "1"})) return true;
  if (is_one_of(text, {"false", "False", "FALSE", "f", "F", "0"})) return false;
  return std::unexpected("\"true\" or \"false\"");
}

config::Read<bool> parse_switch(std::string_view text) {
  text = base::trimmed(text);
  if (text == "on") return true;
  if (text == "off") return false;
  if (const auto flag = parse_flag(text)) return *flag;
  return std::unexpected("\"on\" or \"off\"");
}

config::Read<std::uint64_t> parse_number(std::string_view text, std::uint64_t least, std::uint64_t most) {
  text = base::trimmed(text);
  const auto number = take_number(text);
  if (number && text.empty() && *number >= least && *number <= most) return *number;
  return std::unexpected("a number from " + std::to_string(least) + " to " + std::to_string(most));
}

config::Read<std::chrono::milliseconds> parse_seconds(std::string_view text) {
  text = base::trimmed(text);
  if (text.ends_with('s')) text.remove_suffix(1);
  const auto seconds = parse_number(text, 1, 86'400);
  if (!seconds) return std::unexpected("seconds, 1 to 86400");
  return std::chrono::seconds(*seconds);
}

config::Read<std::chrono::seconds> parse_go_duration(std::string_view text) {
  constexpr std::uint64_t longest = std::uint64_t{100} * 365 * 86'400;
  text = base::trimmed(text);
  std::uint64_t total = 0;
  bool valid = !text.empty();
  while (valid && !text.empty()) {
    const auto number = take_number(text);
    const auto unit = number ? unit_in_seconds(text) : std::nullopt;
    valid = unit && *number <= longest && (total += *number * *unit) <= longest;
  }
  if (!valid || total == 0) return std::unexpected("a duration such as 2160h or 1h30m, of at least a second");
  return std::chrono::seconds(total);
}

config::Read<config::Bytes> parse_nginx_size(std::string_view text) {
  text = base::trimmed(text);
  auto number = take_number(text);
  unsigned shift = 0;
  if (number && text.size() == 1) {
    const char unit = static_cast<char>(text.front() | 0x20);
    shift = unit == 'k' ? 10 : unit == 'm' ? 20 : unit == 'g' ? 30 : 0;
    if (shift > 0) text = {};
  }
  if (!number || !text.empty() || *number > (std::uint64_t{1} << 50U >> shift)) {
    return std::unexpected("a size such as 8m, 512k or 1g");
  }
  return config::Bytes{*number << shift};
}

std::vector<std::string> parse_list(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (const std::string_view part = base::trimmed(text.substr(0, comma)); !part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

config::Read<config::Redirect> parse_redirect_target(std::string_view text) {
  const auto refused = [] {
    return std::unexpected<std::string>("a URL such as https://www.example.com/path, without query");
  };
  text = base::trimmed(text);
  config::Redirect redirect;
  if (const std::size_t end = text.find("://"); end != std::string_view::npos) {
    const std::string_view scheme = text.substr(0, end);
    if (scheme != "http" && scheme != "https" && scheme != "$scheme") return refused();
    if (scheme != "$scheme") redirect.scheme = std::string(scheme);
    text.remove_prefix(end + 3);
    const std::string_view authority = text.substr(0, std::min(text.find('/'), text.find('$', 1)));
    text.remove_prefix(authority.size());
    if (authority != "$host" && authority != "$http_host") {
      const auto parsed = config::parse_authority(authority);
      if (!parsed) return refused();
      const std::size_t colon = parsed->ends_with(']') ? std::string::npos : parsed->rfind(':');
      redirect.host = parsed->substr(0, colon);
      if (colon != std::string::npos) {
        redirect.port = static_cast<std::uint16_t>(*parse_number(parsed->substr(colon + 1), 0, 65'535));
      }
    }
  } else if (!text.starts_with('/')) {
    return refused();
  }
  if (text == "$request_uri") return redirect;
  const auto path = config::parse_url_path(text.empty() ? "/" : text);
  if (!path || path->contains('$')) return refused();
  redirect.path = *path;
  return redirect;
}

}  // namespace kube
