// TicketKeys: the keys that seal TLS session tickets, and when they change. RFC 5077 §4, RFC 8446 §4.6.1.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace certstore {

struct TicketKey {
  std::array<std::uint8_t, 16> name{};  // random; travels in the clear in front of the ticket
  std::array<std::uint8_t, 32> aes{};   // AES-256-CBC
  std::array<std::uint8_t, 32> hmac{};  // HMAC-SHA256
  base::SystemTime from{};              // when it becomes the one that seals
  friend bool operator==(const TicketKey&, const TicketKey&) = default;
};

// Immutable: old keys open, the current one seals, the next is known ahead so that replicas agree before it is used.
struct TicketKeySet {
  std::vector<TicketKey> keys;  // next, current, old: at most three, newest first
  std::size_t current = 0;      // index of the one that seals
  TicketKeySet() = default;
  TicketKeySet(const TicketKeySet&) = default;
  TicketKeySet& operator=(const TicketKeySet&) = default;
  ~TicketKeySet();  // wipes
};

// Rotation over a file in the state directory (0600, by rename, under a lock beside it), so that resumption works
// across a restart and between processes that share the directory. Control plane; not thread-safe.
class TicketKeyRing {
 public:
  // Reads the file if there is a good one, else begins anew. Without a file the keys live in memory alone. An
  // unreadable or damaged file is replaced, with a warning.
  TicketKeyRing(std::filesystem::path file, std::chrono::seconds rotation, const base::Clock& clock);
  // Rotates if it is time (also several periods at once after a pause), writes the file if it changed. Call it every
  // minute. The set is a new object only when it changed.
  [[nodiscard]] std::shared_ptr<const TicketKeySet> update();
  [[nodiscard]] std::shared_ptr<const TicketKeySet> keys() const { return keys_; }

 private:
  // What the file holds; none if there is no good one.
  [[nodiscard]] std::optional<TicketKeySet> load() const;
  [[nodiscard]] std::shared_ptr<const TicketKeySet> renew(const std::optional<TicketKeySet>& stored);
  [[nodiscard]] bool rotate(TicketKeySet& set, base::SystemTime now) const;
  void save(const TicketKeySet& set) const;

  std::filesystem::path file_;
  std::chrono::seconds rotation_;
  const base::Clock& clock_;
  std::shared_ptr<const TicketKeySet> keys_;
};

}  // namespace certstore
