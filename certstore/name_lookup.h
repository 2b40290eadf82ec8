// How a host name finds what is kept under names and one-label wildcards.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/ascii.h"

namespace certstore {

// `lookup(name)` gives a pointer to what is kept under exactly this name ("www.example.com" or "*.example.com", lower
// case), or null. The name itself is looked up, then the wildcard above it; null if neither is there. `name` is
// attacker controlled: any case, a dot at its end, at most 255 bytes. Does not allocate. RFC 6125 §6.4.3: a wildcard
// stands for the left-most label only.
template <class Lookup>
[[nodiscard]] auto find_by_name(std::string_view name, const Lookup& lookup) noexcept -> decltype(lookup(name)) {
  constexpr std::size_t longest = 255;
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > longest) return nullptr;
  std::array<char, longest> buffer;
  for (std::size_t i = 0; i < name.size(); ++i) buffer[i] = base::lower(name[i]);
  const std::string_view lower(buffer.data(), name.size());
  if (const auto exact = lookup(lower)) return exact;
  const std::size_t dot = lower.find('.');
  if (dot == 0 || dot == std::string_view::npos) return nullptr;
  buffer[dot - 1] = '*';  // "www.example.com" -> "ww*.example.com", of which "*.example.com" is looked up
  return lookup(lower.substr(dot - 1));
}

// "*.example.com" for "www.example.com"; empty where no wildcard can stand for the name. `name` is in lower case.
[[nodiscard]] inline std::string wildcard_above(std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot == 0 || dot == std::string_view::npos ? std::string() : "*" + std::string(name.substr(dot));
}

}  // namespace certstore
