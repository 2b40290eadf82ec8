// ClientAuthTable: which names want a client certificate, and whom they trust. Immutable; loaded by the control plane,
// read by all workers.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/openssl.h"
#include "config/config.h"

namespace proxy {

struct ClientAuthPolicy {
  config::ClientCertificateMode mode = config::ClientCertificateMode::off;
  base::X509StorePtr trust;                // null when off
  std::vector<base::X509Ptr> authorities;  // their names are sent in the CertificateRequest
  // Of mode and bundle: sessions are resumed only within the same id, so that a ticket got without a certificate is
  // worth nothing where one is required, and a changed bundle ends old sessions. Empty for `off`.
  std::string id;
};

class ClientAuthTable {
 public:
  // Reads the CA bundles; errors name the file. Null if no name wants client certificates. Blocking.
  [[nodiscard]] static base::Result<std::shared_ptr<const ClientAuthTable>> load(const config::Tls& tls);

  // For a server name or Host (attacker controlled), as certstore/name_lookup.h finds it: exact, then one-label
  // wildcard, then the default policy.
  [[nodiscard]] const ClientAuthPolicy& find(std::string_view server_name) const noexcept;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  std::shared_ptr<const ClientAuthPolicy> default_policy_;
  std::unordered_map<std::string, std::shared_ptr<const ClientAuthPolicy>, Hash, std::equal_to<>> by_name_;
};

}  // namespace proxy
