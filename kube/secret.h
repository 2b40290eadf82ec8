// Secret: v1 as plain data, as far as it holds certificates: tls.crt, tls.key and ca.crt, in a Secret of type
// kubernetes.io/tls or in an Opaque one with the same keys. Other values are never read. Its bytes are wiped at the end
// and stand in no fault and no log.
#pragma once

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

// The json itself is the caller's to wipe.
[[nodiscard]] ObjectRead<Secret> read_secret(const nlohmann::json& object);

}  // namespace kube
