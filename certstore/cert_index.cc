#include "certstore/cert_index.h"

#include <utility>

#include "certstore/name_lookup.h"

namespace certstore {
namespace {

std::size_t shard_of(std::string_view name, std::size_t count) noexcept {
  // Not the hash of the shard's own table: its low bits would be the same for all names of one shard.
  std::uint32_t hash = 2166136261U;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return (hash >> 16U ^ hash) % count;
}

}  // namespace

CertIndex::CertIndex() {
  const auto empty = std::make_shared<const Shard>();
  shards_.fill(empty);
}

const CertPair* CertIndex::lookup(std::string_view name) const noexcept {
  const Shard& shard = *shards_[shard_of(name, shard_count)];
  const auto found = shard.find(name);
  return found == shard.end() ? nullptr : &found->second;
}

const CertPair* CertIndex::find(std::string_view server_name) const noexcept {
  return find_by_name(server_name, [this](std::string_view name) noexcept { return lookup(name); });
}

const CertPair* CertIndex::fallback() const noexcept {
  return fallback_ ? &fallback_ : nullptr;
}

std::size_t CertIndex::size() const noexcept {
  return size_;
}

CertIndex CertIndex::with(std::string_view name, CertPair pair) const {
  return with(std::unordered_map<std::string, CertPair>{{std::string(name), std::move(pair)}});
}

CertIndex CertIndex::with(const std::unordered_map<std::string, CertPair>& changes) const {
  CertIndex next = *this;
  std::array<std::shared_ptr<Shard>, shard_count> copies;
  for (const auto& [name, pair] : changes) {
    const std::size_t at = shard_of(name, shard_count);
    if (copies[at] == nullptr) copies[at] = std::make_shared<Shard>(*next.shards_[at]);
    Shard& shard = *copies[at];
    next.size_ -= shard.size();
    if (pair) shard.insert_or_assign(name, pair);
    if (!pair) shard.erase(name);
    next.size_ += shard.size();
  }
  for (std::size_t at = 0; at < shard_count; ++at) {
    if (copies[at] != nullptr) next.shards_[at] = std::move(copies[at]);
  }
  return next;
}

CertIndex CertIndex::with_fallback(CertPair pair) const {
  CertIndex next = *this;
  next.fallback_ = std::move(pair);
  return next;
}

}  // namespace certstore
