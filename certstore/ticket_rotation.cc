#include "certstore/ticket_rotation.h"

#include <algorithm>
#include <optional>

#include "base/openssl.h"

namespace certstore {
namespace {

constexpr std::size_t most_keys = 3;

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

// After the clock was put back far, or the period made shorter, the next key would be years away. The same keys, dated
// anew.
void date_anew(TicketKeySet& set, base::SystemTime now, std::chrono::seconds period) {
  base::SystemTime from = std::chrono::floor<std::chrono::seconds>(now) + period;
  for (TicketKey& key : set.keys) {
    key.from = from;
    from -= period;
  }
}

}  // namespace

bool rotate(TicketKeySet& set, base::SystemTime now, std::chrono::seconds period) {
  set.keys.reserve(most_keys);  // before copies would be left behind by growing
  if (set.keys.empty()) return push(set, now) && push(set, now + period);
  if (set.keys.front().from > now + 2 * period) date_anew(set, now, period);
  // After a long pause only the last periods matter: what was sealed before them has expired.
  const base::SystemTime newest = set.keys.front().from;
  if (now >= newest + 3 * period) {
    const auto missed = (now - newest) / period;
    if (!push(set, newest + (missed - 1) * period)) return false;
  }
  while (set.keys.front().from <= now) {
    if (!push(set, set.keys.front().from + period)) return false;
  }
  return true;
}

void choose_current(TicketKeySet& set, base::SystemTime now) {
  const auto found = std::ranges::find_if(set.keys, [&](const TicketKey& key) { return key.from <= now; });
  // Before the time of all, the oldest, for others have known it longest.
  set.current = found == set.keys.end() ? set.keys.size() - 1 : static_cast<std::size_t>(found - set.keys.begin());
}

}  // namespace certstore
