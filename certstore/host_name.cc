#include "certstore/host_name.h"

#include <algorithm>
#include <cstddef>

#include "base/ascii.h"
#include "base/ip_network.h"

namespace certstore {
namespace {

constexpr std::size_t longest_name = 253;
constexpr std::size_t longest_label = 63;

constexpr bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > longest_label || label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(label, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; });
}

}  // namespace

std::optional<std::string> canonical_host_name(std::string_view name) {
  if (name.empty() || name.size() > longest_name) return std::nullopt;
  std::string lower = base::lower_case(name);
  std::string_view rest = lower;
  const bool wildcard = rest.starts_with("*.");
  if (wildcard) rest.remove_prefix(2);
  std::size_t labels = 0;
  for (;;) {
    const std::size_t dot = rest.find('.');
    if (!is_label(rest.substr(0, dot))) return std::nullopt;
    ++labels;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (wildcard && labels < 2) return std::nullopt;
  if (base::IpAddress::parse(lower)) return std::nullopt;  // an address belongs into iPAddress
  return lower;
}

}  // namespace certstore
