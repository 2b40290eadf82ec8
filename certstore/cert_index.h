// CertIndex: which certificate a name gets. Immutable; a change makes a new one that shares what did not change.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "certstore/certificate.h"

namespace certstore {

// The certificates of one name: one for each kind of key, either may be null.
struct CertPair {
  CertificatePtr ecdsa;
  CertificatePtr rsa;
  [[nodiscard]] explicit operator bool() const noexcept { return ecdsa != nullptr || rsa != nullptr; }
  friend bool operator==(const CertPair&, const CertPair&) = default;
};

class CertIndex {
 public:
  CertIndex();

  // The pair for a server name as it came from the network (attacker controlled), as certstore/name_lookup.h finds it:
  // exact, then one-label wildcard, then null. Does not allocate.
  [[nodiscard]] const CertPair* find(std::string_view server_name) const noexcept;
  // The entry under exactly this name ("www.example.com" or "*.example.com", lower case), or null.
  [[nodiscard]] const CertPair* exact(std::string_view name) const noexcept { return lookup(name); }
  // What a client without a name, or with an unknown one, gets. Null if there is none.
  [[nodiscard]] const CertPair* fallback() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept;

  // A new index in which `name` ("www.example.com" or "*.example.com", lower case) has `pair`; an empty pair removes
  // it.
  [[nodiscard]] CertIndex with(std::string_view name, CertPair pair) const;
  // Many at once: each shard is copied once at the most.
  [[nodiscard]] CertIndex with(const std::unordered_map<std::string, CertPair>& changes) const;
  [[nodiscard]] CertIndex with_fallback(CertPair pair) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  using Shard = std::unordered_map<std::string, CertPair, Hash, std::equal_to<>>;
  static constexpr std::size_t shard_count = 256;
  [[nodiscard]] const CertPair* lookup(std::string_view name) const noexcept;
  std::array<std::shared_ptr<const Shard>, shard_count> shards_;
  CertPair fallback_;
  std::size_t size_ = 0;
};

}  // namespace certstore
