// A client assertion (RFC 7523 §3): a JWT that shows Entra that we hold the key of a registered certificate.
#pragma once

#include <filesystem>
#include <string>

#include "base/clock.h"
#include "base/error.h"

namespace azure {

struct ClientAssertion {
  std::filesystem::path certificate;  // PEM; the first one of it counts
  std::filesystem::path key;          // PEM, RSA; empty: in `certificate`
  std::string client_id;
  std::string audience;  // URL of the token endpoint
  base::SystemTime now;
};

// Good for ten minutes. The answer stands for our identity as long: it is a secret. Reads both files. Errors name what
// is wrong with them. Blocking.
[[nodiscard]] base::Result<std::string> make_client_assertion(const ClientAssertion& assertion);

}  // namespace azure
