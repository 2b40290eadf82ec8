// WithheldNames: names that show nothing before the certificate that is meant for them is there
// (config::IssuedCertificate::UntilIssued::refuse). Immutable; part of the snapshot.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "certstore/cert_index.h"
#include "certstore/name_lookup.h"

namespace certstore {

class WithheldNames {
 public:
  // Lower case, A-labels: "www.example.com", "*.example.com".
  explicit WithheldNames(const std::vector<std::string>& names) : names_(names.begin(), names.end()) {}

  [[nodiscard]] bool empty() const noexcept { return names_.empty(); }

  // Whether a client that asks for `server_name` (attacker controlled) gets nothing. A name that is withheld itself
  // waits for a certificate under that very name: one for the wildcard above it is not what was meant. Below a withheld
  // wildcard any certificate for the name or the wildcard is good. Does not allocate.
  [[nodiscard]] bool withholds(std::string_view server_name, const CertIndex& index) const noexcept {
    const std::string* withheld = find_by_name(server_name, [this](std::string_view name) -> const std::string* {
      const auto found = names_.find(name);
      return found == names_.end() ? nullptr : &*found;
    });
    if (withheld == nullptr) return false;
    return withheld->starts_with('*') ? index.find(server_name) == nullptr : index.exact(*withheld) == nullptr;
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_set<std::string, Hash, std::equal_to<>> names_;
};

}  // namespace certstore
