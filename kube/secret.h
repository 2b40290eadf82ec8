// Secret: v1 as plain data, as far as it holds certificates: tls.crt, tls.key and ca.crt, in a Secret of type
// kubernetes.io/tls or in an Opaque one with the same keys. Other values are never read. Its bytes are wiped at the end
// and stand in no fault and no log.
#pragma once

#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

#include "certstore/secret_bytes.h"
#include "kube/metadata.h"

namespace kube {

struct Secret {
  Metadata metadata;
  std::string type;
  // Decoded; empty where the key is not there.
  certstore::SecretBytes certificate;      // tls.crt
  certstore::SecretBytes key;              // tls.key
  certstore::SecretBytes ca_certificates;  // ca.crt
  [[nodiscard]] bool holds_pair() const { return !certificate.empty() && !key.empty(); }
  friend bool operator==(const Secret&, const Secret&) = default;
};

// Of tls.crt and tls.key together, as base64, and of ca.crt: ten certificates with a key have half of it.
inline constexpr std::size_t largest_pair = 64U << 10U;

// Takes out of a Secret what nobody here reads, and wipes it: others' values, and what the API keeps of its writers. A
// pair beyond largest_pair goes too, and read_secret() says so; so do labels and annotations beyond it. For when it
// comes, before anybody keeps it: whoever may make Secrets may make many of 1 MiB.
void keep_certificate(nlohmann::json& secret);

// The json itself is the caller's to wipe.
[[nodiscard]] ObjectRead<Secret> read_secret(const nlohmann::json& object);

}  // namespace kube
