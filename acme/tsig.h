// TSIG: an HMAC over a DNS message and its answer. RFC 8945. Of our own, for ldns knows neither SHA-224 nor SHA-384
// here and takes whatever algorithm an answer names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "certstore/secret_bytes.h"

namespace acme {

struct TsigKey {
  std::string name;
  std::string algorithm;  // hmac-sha224, hmac-sha256, hmac-sha384, hmac-sha512
  certstore::SecretBytes secret;
};

[[nodiscard]] bool is_tsig_algorithm(std::string_view algorithm) noexcept;

struct SignedMessage {
  std::string wire;
  std::string mac;  // what the answer is bound to (RFC 8945 §4.3.1)
};
// `message` has no TSIG record yet. Errors: invalid (names, algorithm).
[[nodiscard]] base::Result<SignedMessage> sign_tsig(std::string_view message, const TsigKey& key, base::SystemTime now);

// RFC 8945 §5.3. `answer` is attacker controlled. Errors: refused (the server's own TSIG error, as text that says what
// to do), protocol (no TSIG, another key, a wrong MAC, a time more than 300 s away).
[[nodiscard]] base::Result<void> verify_tsig(std::string_view answer, const TsigKey& key, std::string_view request_mac,
                                             base::SystemTime now);

}  // namespace acme
