// ShardedMap: an immutable map by name. A change makes a new one that shares what did not change, so that both making
// it and finding out what differs cost what changed, and not what is there.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace proxy {

// Values are cheap to copy and to compare: shared pointers.
template <class Value>
class ShardedMap {
 public:
  // What each key has from now on; nothing: it goes.
  using Changes = std::map<std::string, std::optional<Value>, std::less<>>;

  // Null: it is not there. Does not allocate.
  [[nodiscard]] const Value* find(std::string_view key) const noexcept {
    const auto& shard = shards_[shard_of(key)];
    if (shard == nullptr) return nullptr;
    const auto found = shard->find(key);
    return found == shard->end() ? nullptr : &found->second;
  }
  [[nodiscard]] bool contains(std::string_view key) const noexcept { return find(key) != nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  [[nodiscard]] ShardedMap with(const Changes& changes) const {
    ShardedMap next = *this;
    std::array<std::shared_ptr<Shard>, shard_count> fresh;
    for (const auto& [key, value] : changes) {
      const Value* const before = find(key);
      if (before == nullptr ? !value.has_value() : (value && *before == *value)) continue;
      const std::size_t number = shard_of(key);
      if (fresh[number] == nullptr) {
        fresh[number] = shards_[number] ? std::make_shared<Shard>(*shards_[number]) : std::make_shared<Shard>();
      }
      if (!value) {
        next.size_ -= fresh[number]->erase(key);
      } else if (fresh[number]->insert_or_assign(key, *value).second) {
        ++next.size_;
      }
    }
    for (std::size_t number = 0; number < shard_count; ++number) {
      if (fresh[number] != nullptr) next.shards_[number] = std::move(fresh[number]);
    }
    return next;
  }

  // visit(key, value), in no order.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& shard : shards_) {
      if (shard == nullptr) continue;
      for (const auto& [key, value] : *shard) visit(key, value);
    }
  }

  // By key, for people.
  [[nodiscard]] std::vector<std::pair<std::string_view, Value>> sorted() const {
    std::vector<std::pair<std::string_view, Value>> all;
    all.reserve(size_);
    for_each([&](const std::string& key, const Value& value) { all.emplace_back(key, value); });
    std::ranges::sort(all, {}, [](const auto& entry) { return entry.first; });
    return all;
  }

  // visit(key, then, now) for each key that has something else than in `before`; `then` or `now` is null where there is
  // nothing.
  template <class Visit>
  void for_each_difference(const ShardedMap& before, Visit visit) const {
    for (std::size_t number = 0; number < shard_count; ++number) {
      const auto& old_shard = before.shards_[number];
      const auto& new_shard = shards_[number];
      if (old_shard == new_shard) continue;
      if (old_shard != nullptr) {
        for (const auto& [key, value] : *old_shard) {
          if (new_shard == nullptr || !new_shard->contains(key)) visit(key, &value, static_cast<const Value*>(nullptr));
        }
      }
      if (new_shard == nullptr) continue;
      for (const auto& [key, value] : *new_shard) {
        const Value* const then = before.find(key);
        if (then == nullptr || !(*then == value)) visit(key, then, &value);
      }
    }
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  using Shard = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;
  static constexpr std::size_t shard_count = 256;
  // Of other bits than the buckets of a shard, or each shard would use a fraction of its buckets.
  [[nodiscard]] static std::size_t shard_of(std::string_view key) noexcept {
    return (Hash{}(key) >> 24U) % shard_count;
  }

  std::array<std::shared_ptr<const Shard>, shard_count> shards_;
  std::size_t size_ = 0;
};

}  // namespace proxy
