#include "certstore/ticket_keys.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "certstore/file_lock.h"
#include "certstore/secret_bytes.h"
#include "certstore/ticket_key_file.h"
#include "certstore/ticket_rotation.h"

namespace certstore {
namespace {

constexpr std::chrono::milliseconds lock_patience{1000};

}  // namespace

TicketKeySet::~TicketKeySet() {
  wipe(keys.data(), keys.size() * sizeof(TicketKey));
}

TicketKeyRing::TicketKeyRing(std::filesystem::path file, std::chrono::seconds rotation, const base::Clock& clock)
    : file_(std::move(file)), rotation_(std::max(rotation, std::chrono::seconds(1))), clock_(clock) {
  (void)update();
}

std::optional<TicketKeySet> TicketKeyRing::load() const {
  auto text = base::read_file(file_, 4096);
  if (!text) {
    if (text.error().code != base::Code::not_found) {
      base::log::warning("ticket keys not read", {{"reason", text.error().what}});
    }
    return std::nullopt;
  }
  const WipedAtEnd wiped(*text);
  auto set = read_ticket_keys(*text);
  if (set) return *set;
  base::log::warning("ticket keys replaced", {{"file", file_.string()}, {"reason", set.error().what}});
  return std::nullopt;
}

bool TicketKeyRing::rotate(TicketKeySet& set, base::SystemTime now) const {
  return certstore::rotate(set, now, rotation_);
}

void TicketKeyRing::save(const TicketKeySet& set) const {
  std::string text = write_ticket_keys(set);
  const WipedAtEnd wiped(text);
  if (const auto written = base::write_file_atomically(file_, text); !written) {
    base::log::warning("ticket keys not written", {{"reason", written.error().what}});
  }
}

std::shared_ptr<const TicketKeySet> TicketKeyRing::update() {
  if (file_.empty()) return renew(std::nullopt);
  const auto lock = FileLock::take(file_.string() + ".lock", lock_patience);
  // Without a state directory that can be written to the keys live in memory, as long as this process does.
  if (!lock) base::log::warning("ticket keys not locked", {{"reason", lock.error().what}});
  const std::optional<TicketKeySet> stored = load();
  auto keys = renew(stored);
  if (lock && keys != nullptr && (!stored || stored->keys != keys->keys)) save(*keys);
  return keys;
}

// What was stored is newer than what is here: another process may have rotated.
std::shared_ptr<const TicketKeySet> TicketKeyRing::renew(const std::optional<TicketKeySet>& stored) {
  TicketKeySet set;
  if (stored) {
    set = *stored;
  } else if (keys_ != nullptr) {
    set = *keys_;
  }
  const base::SystemTime now = clock_.now();
  if (!rotate(set, now)) {
    base::log::error("ticket keys not rotated", {{"reason", "no random bytes"}});
    if (set.keys.empty()) return keys_;
  }
  choose_current(set, now);
  if (keys_ == nullptr || keys_->keys != set.keys || keys_->current != set.current) {
    keys_ = std::make_shared<const TicketKeySet>(set);
  }
  return keys_;
}

}  // namespace certstore
