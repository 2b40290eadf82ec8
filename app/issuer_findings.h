// What can be said of issuers before anybody is asked: their files, and names that they cannot give.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/config.h"

namespace app {

struct IssuerFile {
  std::string what;  // "issuer public: external_account.hmac_key_file"
  std::filesystem::path path;
};

// Every file that issuers and on-demand certificates name; those that are read by the DNS solver too.
[[nodiscard]] std::vector<IssuerFile> issuer_files(const config::Config& config);

// Those of them that cannot be read or do not hold what they should, without what is in them. Blocking.
[[nodiscard]] std::vector<base::Error> unreadable_issuer_files(const config::Config& config);

// A sentence for each certificate of which some names are never ordered (config::unprovable_hosts).
[[nodiscard]] std::vector<std::string> names_left_out(const config::Config& config);

// What is to be got: the certificates with `issuer`, each without the names that are left out.
[[nodiscard]] std::vector<config::IssuedCertificate> certificates_to_get(const config::Config& config);

}  // namespace app
