// CertificateObject: cert-manager's Certificate as plain data.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/metadata.h"
#include "kube/wanted_certificate.h"

namespace kube {

struct CertificateObject {
  Metadata metadata;
  ObjectRef reference;
  std::int64_t generation = 0;
  nlohmann::json owners;  // metadata.ownerReferences, an array
  nlohmann::json spec;    // as written
  nlohmann::json status;  // as it was seen; an object

  std::string secret_name;
  std::vector<std::string> dns_names;  // as written
  std::vector<std::string> addresses;
  std::string common_name;
  IssuerRef issuer;  // with the defaults of kind and group
  std::optional<std::chrono::seconds> duration;
  std::optional<std::chrono::seconds> renew_before;
  std::optional<unsigned> renew_before_percentage;
  WantedKey key;
  std::map<std::string, std::string> secret_labels;  // of secretTemplate
  std::map<std::string, std::string> secret_annotations;
  std::vector<std::string> usages;
  // Fields that change what the certificate says, and that are not supported: it is not issued.
  std::vector<std::string> refused;
  // Fields that add something beside it, and that are not supported: it is issued without.
  std::vector<std::string> ignored;

  [[nodiscard]] ObjectName secret() const { return {metadata.name.name_space, secret_name}; }
  // What it is for: DNS names, the common name where it is not one of them, addresses; lower case, each once.
  [[nodiscard]] std::vector<std::string> hosts() const;
};

[[nodiscard]] ObjectRead<CertificateObject> read_certificate(const nlohmann::json& object);

// "Issuer.cert-manager.io/letsencrypt"
[[nodiscard]] std::string to_string(const IssuerRef& issuer);

}  // namespace kube
