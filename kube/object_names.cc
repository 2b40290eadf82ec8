#include "kube/object_names.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>

#include <fmt/format.h>

#include "base/openssl.h"

namespace kube {
namespace {

constexpr std::size_t longest_readable = 120;
constexpr std::size_t longest_label = 63;  // of the API

std::string hash_of(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string hex;
  for (std::size_t i = 0; i < 10; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

bool small_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// Letters, digits and single dashes.
std::string readable(std::string_view text) {
  std::string kept;
  for (const char c : text.substr(0, longest_readable)) {
    const char low = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (small_or_digit(low)) {
      kept += low;
    } else if (!kept.empty() && kept.back() != '-') {
      kept += '-';
    }
  }
  while (!kept.empty() && kept.back() == '-') kept.pop_back();
  return kept;
}

}  // namespace

std::string process_identity() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  std::random_device random;
  const std::uint64_t unique = (std::uint64_t{random()} << 32U) | random();
  return fmt::format("{}_{:016x}", host[0] == '\0' ? "sekisho" : host.data(), unique);
}

std::string object_name_for(std::string_view prefix, std::string_view text) {
  const std::string kept = readable(text);
  return kept.empty() ? fmt::format("{}.{}", prefix, hash_of(text))
                      : fmt::format("{}.{}.{}", prefix, kept, hash_of(text));
}

std::string label_value(std::string_view text) {
  const auto inner = [](char c) {
    return small_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
  };
  const bool good = !text.empty() && text.size() <= longest_label && std::ranges::all_of(text, inner) &&
                    small_or_digit(text.front()) && small_or_digit(text.back());
  return good ? std::string(text) : hash_of(text);
}

}  // namespace kube
