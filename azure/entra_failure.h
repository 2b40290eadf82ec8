// Why Entra gave no token, as a sentence that names what to fix.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "azure/grant.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/http_client.h"

namespace azure {

struct EntraFailure {
  enum class Remedy : std::uint8_t {
    none,       // somebody has to change something
    wait,       // it may pass: Entra is busy, or a federated credential has not spread yet
    new_proof,  // the assertion was too old or too young: read it anew
  };
  std::string error;            // "invalid_client"
  std::vector<unsigned> codes;  // AADSTS numbers
  std::string description;      // its first line, cut and cleaned
  Remedy remedy = Remedy::none;
};

// `response` is no success and controlled by the server. Told by error_codes, never by the text (RFC 6749 §5.2 has
// none).
[[nodiscard]] EntraFailure entra_failure_from(const base::HttpResponse& response);

// What was asked with, for the sentence.
struct Asked {
  std::string tenant;
  std::string client_id;
  std::string scope;
  Claims proof;  // of the federated token; empty for other kinds of identity
};
[[nodiscard]] base::Error explained(const EntraFailure& failure, const Asked& asked);

}  // namespace azure
