// What a certificate is called in Azure, where fewer characters are allowed than its own name may have. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace azure {

struct NameRules {
  std::string_view marks;  // that are allowed besides letters and digits; all else becomes a hyphen
  std::size_t longest;
  enum class Letters : std::uint8_t { as_they_are, small } letters;
  // Where two names may become one, a digest tells them apart: where a name is cut, or also where a mark is lost.
  enum class Digest : std::uint8_t { where_cut, where_ambiguous } digest;
};

// "ns/name" becomes "ns-name", as AGIC has it.
inline constexpr NameRules gateway_names{"._-", 80, NameRules::Letters::as_they_are, NameRules::Digest::where_cut};
// In a vault whoever comes first has a name, and those who follow it get what comes second: no two certificates share
// one.
inline constexpr NameRules vault_names{"-", 127, NameRules::Letters::small, NameRules::Digest::where_ambiguous};

// The prefix and the certificate's name; "*.example.com" becomes "wildcard.example.com". It depends on nothing else.
[[nodiscard]] std::string object_name(std::string_view prefix, std::string_view certificate, const NameRules& rules);

}  // namespace azure
