#include "certstore/choice.h"

#include <algorithm>
#include <ctime>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace certstore {
namespace {

std::string ago(base::SystemTime::duration passed) {
  const auto counted = [](auto count, std::string_view unit) {
    return fmt::format("{} {}{}", count, unit, count == 1 ? "" : "s");
  };
  if (const auto days = std::chrono::floor<std::chrono::days>(passed).count(); days > 0) return counted(days, "day");
  if (const auto hours = std::chrono::floor<std::chrono::hours>(passed).count(); hours > 0)
    return counted(hours, "hour");
  return counted(std::max<std::int64_t>(1, std::chrono::floor<std::chrono::minutes>(passed).count()), "minute");
}

std::string instant(base::SystemTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(seconds));
}

void offer(CertificatePtr& best, const CertificatePtr& contender, base::SystemTime now) {
  if (best == nullptr || is_better(contender->facts(), best->facts(), now)) best = contender;
}

}  // namespace

Validity validity_at(const Facts& facts, base::SystemTime now) noexcept {
  if (now > facts.not_after) return Validity::expired;
  return now < facts.not_before ? Validity::not_yet_valid : Validity::valid;
}

bool is_better(const Facts& left, const Facts& right, base::SystemTime now) noexcept {
  const Validity left_validity = validity_at(left, now);
  const Validity right_validity = validity_at(right, now);
  if (left_validity != right_validity) return left_validity < right_validity;
  return std::tie(left.not_before, left.not_after, left.sha256) >
         std::tie(right.not_before, right.not_after, right.sha256);
}

CertPair choose(std::span<const CertificatePtr> contenders, base::SystemTime now) {
  CertPair pair;
  for (const CertificatePtr& contender : contenders) {
    offer(contender->facts().key_type == KeyType::ecdsa ? pair.ecdsa : pair.rsa, contender, now);
  }
  if (pair.ecdsa != nullptr && pair.rsa != nullptr) {
    const Validity ecdsa = validity_at(pair.ecdsa->facts(), now);
    const Validity rsa = validity_at(pair.rsa->facts(), now);
    if (ecdsa < rsa) pair.rsa = nullptr;
    if (rsa < ecdsa) pair.ecdsa = nullptr;
  }
  return pair;
}

Validity validity_of(const CertPair& pair, base::SystemTime now) noexcept {
  Validity best = Validity::expired;
  if (pair.ecdsa != nullptr) best = std::min(best, validity_at(pair.ecdsa->facts(), now));
  if (pair.rsa != nullptr) best = std::min(best, validity_at(pair.rsa->facts(), now));
  return best;
}

std::string shortcomings(const Facts& facts, base::SystemTime now) {
  std::vector<std::string> found;
  const Validity validity = validity_at(facts, now);
  if (validity == Validity::expired) found.push_back(fmt::format("expired {} ago", ago(now - facts.not_after)));
  if (validity == Validity::not_yet_valid) found.push_back("not valid until " + instant(facts.not_before));
  if (!facts.dropped_names.empty())
    found.push_back(fmt::format("names dropped: {}", fmt::join(facts.dropped_names, ", ")));
  if (facts.dns_names.empty() && facts.ip_addresses.empty()) found.emplace_back("it holds no host name");
  return fmt::format("{}", fmt::join(found, "; "));
}

}  // namespace certstore
