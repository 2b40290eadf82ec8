// Which of several certificates serves a name. Pure policy; the Store does the rest.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/clock.h"
#include "certstore/cert_index.h"

namespace certstore {

// In the order of preference.
enum class Validity : std::uint8_t { valid, not_yet_valid, expired };

// RFC 5280 §4.1.2.5: both ends belong to the period.
[[nodiscard]] Validity validity_at(const Facts& facts, base::SystemTime now) noexcept;

// Valid beats not yet valid beats expired; then the later not_before, the later not_after, and the fingerprint, so that
// the answer does not depend on the order in which certificates came.
[[nodiscard]] bool is_better(const Facts& left, const Facts& right, base::SystemTime now) noexcept;

// The best ECDSA and the best RSA certificate. Both are valid, or the one that is less good is left out: a client that
// speaks both must never get an expired one while there is a valid one.
[[nodiscard]] CertPair choose(std::span<const CertificatePtr> contenders, base::SystemTime now);

// The validity of the better half of a pair that is not empty.
[[nodiscard]] Validity validity_of(const CertPair& pair, base::SystemTime now) noexcept;

// For people: "expired 3 days ago", "not valid until 2026-05-01T00:00:00Z", "names dropped: ..."; empty: nothing to
// say.
[[nodiscard]] std::string shortcomings(const Facts& facts, base::SystemTime now);

}  // namespace certstore
