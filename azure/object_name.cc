#include "azure/object_name.h"

#include <algorithm>
#include <span>

#include "base/ascii.h"
#include "base/hex.h"
#include "certstore/facts.h"

namespace azure {
namespace {

constexpr std::size_t digest_bytes = 4;
constexpr std::size_t suffix_length = 1 + 2 * digest_bytes;
constexpr std::string_view wildcard = "wildcard";

bool is_small_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// A host name without a hyphen, or the name of a Secret with neither hyphen nor dot: no other such name becomes the
// same.
bool is_told_without_marks(std::string_view certificate) {
  if (certificate.starts_with(wildcard)) return false;
  if (certificate.starts_with("*.")) certificate.remove_prefix(2);
  const auto of = [&](char mark) {
    return std::ranges::all_of(certificate, [mark](char c) { return c == mark || is_small_or_digit(c); });
  };
  return of('.') || (of('/') && std::ranges::count(certificate, '/') == 1);
}

}  // namespace

std::string object_name(std::string_view prefix, std::string_view certificate, const NameRules& rules) {
  const bool plain = rules.digest == NameRules::Digest::where_cut || is_told_without_marks(certificate);
  std::string name(prefix);
  if (certificate.starts_with("*.")) {
    name += wildcard;
    certificate.remove_prefix(1);
  }
  for (const char c : certificate) {
    const bool letter = is_small_or_digit(base::lower(c));
    const char kept = rules.letters == NameRules::Letters::small ? base::lower(c) : c;
    name += letter || rules.marks.contains(c) ? kept : '-';
  }
  if (plain && name.size() <= rules.longest) return name;
  const auto digest =
      certstore::sha256({reinterpret_cast<const std::uint8_t*>(certificate.data()), certificate.size()});
  return name.substr(0, rules.longest - suffix_length) + '-' + base::to_hex(std::span(digest).first(digest_bytes));
}

}  // namespace azure
