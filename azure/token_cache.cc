#include "azure/token_cache.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "certstore/secret_bytes.h"

namespace azure {
namespace {

using std::chrono::seconds;

constexpr seconds least_left{30};            // with less it may end on the way
constexpr seconds refreshed_before{5 * 60};  // its end, at the latest
constexpr std::array pauses{seconds(5), seconds(10), seconds(20), seconds(40), seconds(60)};
constexpr seconds refused_once_in{10};
constexpr seconds least_between{30};  // refreshes

// Half of its life is left to a token that lives shorter than the usual margin.
base::SystemTime refresh_time(const Grant& grant, base::SystemTime now) {
  const auto life = grant.expires - now;
  const base::SystemTime latest = grant.expires - std::min<base::SystemTime::duration>(refreshed_before, life / 2);
  // However soon the server says: not with each call.
  const base::SystemTime earliest = now + std::min<base::SystemTime::duration>(least_between, life / 2);
  return std::max(earliest, grant.refresh ? std::min(*grant.refresh, latest) : latest);
}

void wipe_token(std::optional<Grant>& grant) {
  if (grant) certstore::wipe(grant->token.data(), grant->token.size());
}

}  // namespace

TokenCache::TokenCache(std::shared_ptr<Identity> identity, const base::Clock& clock)
    : identity_(std::move(identity)), clock_(clock) {}

TokenCache::~TokenCache() {
  for (auto& [request, entry] : entries_) wipe_token(entry.grant);
}

// Nothing: it has to be asked for.
std::optional<base::Result<AccessToken>> TokenCache::answer_from(const Entry& entry) const {
  const base::SystemTime now = clock_.now();
  const bool good = entry.grant && now + least_left < entry.grant->expires;
  if (good && (now < entry.refresh || entry.under_way || now < entry.again)) {
    return AccessToken{entry.grant->token, entry.grant->expires};
  }
  if (good || now >= entry.again) return std::nullopt;
  // It was asked for a moment ago, and came like this.
  if (entry.grant && now < entry.grant->expires) return AccessToken{entry.grant->token, entry.grant->expires};
  if (entry.failure) return std::unexpected(*entry.failure);
  return std::nullopt;
}

void TokenCache::take(Entry& entry, base::Result<Grant> result) {
  const base::SystemTime now = clock_.now();
  entry.under_way = false;
  if (result) {
    entry.refresh = refresh_time(*result, now);
    wipe_token(entry.grant);
    entry.grant = *std::move(result);
    entry.failure.reset();
    const auto left = entry.grant->expires - now;
    if (left > base::SystemTime::duration::zero()) {
      entry.failures = 0;
      // One that lives shorter than the margin is used nevertheless, and another is asked for before it ends.
      const auto pause = std::max<base::SystemTime::duration>(seconds(1), left / 2);
      entry.again = left > least_left ? base::SystemTime{} : now + pause;
      return;
    }
    entry.failure = base::Error{base::Code::protocol, "a token that has ended already: the clock of this machine?",
                                base::Origin::upstream, base::Retry::later};
  } else if (result.error().code == base::Code::cancelled) {
    return;  // of one caller; the next one asks
  } else {
    entry.failure = std::move(result.error());
  }
  entry.again = now + pauses.at(std::min<std::size_t>(entry.failures, pauses.size() - 1));
  ++entry.failures;
}

base::Result<AccessToken> TokenCache::token(const TokenRequest& request, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  Entry& entry = entries_[request];
  for (;;) {
    if (auto answer = answer_from(entry)) return *std::move(answer);
    if (!entry.under_way) break;
    if (!changed_.wait(lock, stop, [&] { return !entry.under_way; })) {
      return base::fail(base::Code::cancelled, "stopped", base::Origin::control);
    }
  }
  entry.under_way = true;
  lock.unlock();
  auto result = identity_->ask(request, stop);
  lock.lock();
  const bool cancelled = !result && result.error().code == base::Code::cancelled;
  base::Result<AccessToken> fresh = cancelled ? std::unexpected(result.error()) : base::Result<AccessToken>();
  take(entry, std::move(result));
  changed_.notify_all();
  if (cancelled) return fresh;
  // A token that has not ended yet is better than the news that there is no newer one.
  const base::SystemTime now = clock_.now();
  if (entry.grant && now < entry.grant->expires) return AccessToken{entry.grant->token, entry.grant->expires};
  if (entry.failure) return std::unexpected(*entry.failure);
  return base::fail(base::Code::protocol, "no token", base::Origin::upstream, base::Retry::later);
}

void TokenCache::refused(const TokenRequest& request, const AccessToken& token) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(request);
  if (found == entries_.end() || !found->second.grant || found->second.grant->token != token.secret) return;
  Entry& entry = found->second;
  const base::SystemTime now = clock_.now();
  // A service that takes none of our tokens must not make us ask for one with each call.
  if (now - entry.refused < refused_once_in) return;
  entry.refused = now;
  wipe_token(entry.grant);
  entry.grant.reset();
}

std::shared_ptr<Tokens> make_tokens(std::shared_ptr<Identity> identity, const base::Clock& clock) {
  return std::make_shared<TokenCache>(std::move(identity), clock);
}

}  // namespace azure
