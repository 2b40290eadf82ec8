#include "certstore/ticket_keys.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "base/openssl.h"
#include "certstore/file_lock.h"
#include "certstore/secret_bytes.h"
#include "certstore/ticket_key_file.h"

namespace certstore {
namespace {

constexpr std::size_t most_keys = 3;
constexpr std::chrono::milliseconds lock_patience{1000};

std::optional<TicketKey> make_key(base::SystemTime from) {
  TicketKey key;
  if (RAND_bytes(key.name.data(), key.name.size()) != 1 || RAND_priv_bytes(key.aes.data(), key.aes.size()) != 1 ||
      RAND_priv_bytes(key.hmac.data(), key.hmac.size()) != 1) {
    return std::nullopt;
  }
  key.from = std::chrono::floor<std::chrono::seconds>(from);  // as exact as the file
  return key;
}

// Puts a fresh key in front and lets the oldest go. False: the random generator failed.
bool push(TicketKeySet& set, base::SystemTime from) {
  const std::optional<TicketKey> key = make_key(from);
  if (!key) return false;
  if (set.keys.size() == most_keys) set.keys.pop_back();
  set.keys.insert(set.keys.begin(), *key);
  return true;
}

// The newest whose time has come; before the time of all, the oldest, for others have known it longest.
std::size_t current_of(const TicketKeySet& set, base::SystemTime now) {
  const auto found = std::ranges::find_if(set.keys, [&](const TicketKey& key) { return key.from <= now; });
  return found == set.keys.end() ? set.keys.size() - 1 : static_cast<std::size_t>(found - set.keys.begin());
}

// After the clock was put back far, or the period made shorter, the next key would be years away. The same keys, dated
// anew.
void date_anew(TicketKeySet& set, base::SystemTime now, std::chrono::seconds rotation) {
  base::SystemTime from = std::chrono::floor<std::chrono::seconds>(now) + rotation;
  for (TicketKey& key : set.keys) {
    key.from = from;
    from -= rotation;
  }
}

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
  set.keys.reserve(most_keys);  // before copies would be left behind by growing
  if (set.keys.empty()) return push(set, now) && push(set, now + rotation_);
  if (set.keys.front().from > now + 2 * rotation_) date_anew(set, now, rotation_);
  // After a long pause only the last periods matter: what was sealed before them has expired.
  const base::SystemTime newest = set.keys.front().from;
  if (now >= newest + 3 * rotation_) {
    const auto missed = (now - newest) / rotation_;
    if (!push(set, newest + (missed - 1) * rotation_)) return false;
  }
  while (set.keys.front().from <= now) {
    if (!push(set, set.keys.front().from + rotation_)) return false;
  }
  return true;
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
  set.current = current_of(set, now);
  if (keys_ == nullptr || keys_->keys != set.keys || keys_->current != set.current) {
    keys_ = std::make_shared<const TicketKeySet>(set);
  }
  return keys_;
}

}  // namespace certstore
