#include "azure/entra_failure.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "base/json.h"

namespace azure {
namespace {

using Remedy = EntraFailure::Remedy;

constexpr std::size_t longest_description = 400;
constexpr std::size_t longest_error = 64;
constexpr std::size_t most_codes = 8;

enum class Cause : std::uint8_t {
  unknown,
  no_match,
  no_match_of_issuer,
  no_match_of_audience,
  no_match_of_subject,
  issuer_unreachable,
  outside_its_time,
  application_unknown,
  tenant_unknown,
  certificate_unknown,
  secret_wrong,
  secret_expired,
  resource_unknown,
  busy,
};

struct Known {
  unsigned code;
  Cause cause;
};
constexpr std::array known{Known{70021, Cause::no_match},
                           Known{700211, Cause::no_match_of_issuer},
                           Known{700212, Cause::no_match_of_audience},
                           Known{700213, Cause::no_match_of_subject},
                           Known{700222, Cause::no_match_of_issuer},
                           Known{90061, Cause::issuer_unreachable},
                           Known{501661, Cause::issuer_unreachable},
                           Known{700024, Cause::outside_its_time},
                           Known{700016, Cause::application_unknown},
                           Known{90002, Cause::tenant_unknown},
                           Known{900023, Cause::tenant_unknown},
                           Known{700027, Cause::certificate_unknown},
                           Known{7000215, Cause::secret_wrong},
                           Known{7000222, Cause::secret_expired},
                           Known{500011, Cause::resource_unknown},
                           Known{90033, Cause::busy},
                           Known{90055, Cause::busy},
                           Known{90009, Cause::unknown}};

Cause cause_of(const std::vector<unsigned>& codes) {
  for (const unsigned code : codes) {
    const auto found = std::ranges::find(known, code, &Known::code);
    if (found != known.end()) return found->cause;
  }
  return Cause::unknown;
}

Remedy remedy_of(Cause cause, unsigned status) {
  switch (cause) {
    case Cause::no_match:
    case Cause::no_match_of_issuer:
    case Cause::no_match_of_audience:
    case Cause::no_match_of_subject:  // a new federated credential takes seconds to minutes to spread
    case Cause::issuer_unreachable:
    case Cause::busy:
      return Remedy::wait;
    case Cause::outside_its_time:
      return Remedy::new_proof;
    case Cause::unknown:
      return status == 429 || status >= 500 ? Remedy::wait : Remedy::none;
    default:
      return Remedy::none;
  }
}

// The values that our own token has, which the credential has to have byte for byte.
std::string values_of(const Claims& proof) {
  return fmt::format("issuer `{}`, subject `{}`, audience `{}`", proof.issuer, proof.subject, proof.audience);
}

std::string sentence(Cause cause, const Asked& asked) {
  const std::string of_application = fmt::format("the federated credentials of the application {}", asked.client_id);
  switch (cause) {
    case Cause::no_match:
      return fmt::format(
          "none of {} fits our token, which has {}; one with exactly these is needed (a new one takes "
          "some minutes to be known)",
          of_application, values_of(asked.proof));
    case Cause::no_match_of_issuer:
      return fmt::format("none of {} has the issuer of our token, `{}` (a slash at the end counts)", of_application,
                         asked.proof.issuer);
    case Cause::no_match_of_audience:
      return fmt::format("none of {} has the audience of our token, `{}`", of_application, asked.proof.audience);
    case Cause::no_match_of_subject:
      return fmt::format("none of {} has the subject of our token, `{}`", of_application, asked.proof.subject);
    case Cause::issuer_unreachable:
      return fmt::format(
          "Entra cannot read the keys of our token's issuer `{}`: its discovery document has to be "
          "reachable from the internet",
          asked.proof.issuer);
    case Cause::outside_its_time:
      return "our proof of identity is not valid now: the clock of this machine, or a token file that is not renewed";
    case Cause::application_unknown:
      return fmt::format("there is no application {} in the tenant {}: client_id or tenant_id is wrong",
                         asked.client_id, asked.tenant);
    case Cause::tenant_unknown:
      return fmt::format("there is no tenant {}: tenant_id or the cloud is wrong", asked.tenant);
    case Cause::certificate_unknown:
      return fmt::format("our client certificate is not registered with the application {}, or has expired",
                         asked.client_id);
    case Cause::secret_wrong:
      return fmt::format("the client secret is not one of the application {}", asked.client_id);
    case Cause::secret_expired:
      return fmt::format("the client secret of the application {} has expired", asked.client_id);
    case Cause::resource_unknown:
      return fmt::format("the tenant {} does not know the resource of {}", asked.tenant, asked.scope);
    case Cause::busy:
      return "Entra is busy";
    case Cause::unknown:
      return {};
  }
  return {};
}

}  // namespace

EntraFailure entra_failure_from(const base::HttpResponse& response) {
  EntraFailure failure;
  const nlohmann::json json = base::parse_json(response.body);
  failure.error = acme::shown_member(json, "error", longest_error);
  if (failure.error.empty()) failure.error = fmt::format("HTTP {}", response.status);
  if (const nlohmann::json* codes = acme::array_member(json, "error_codes")) {
    for (const nlohmann::json& code : *codes) {
      if (failure.codes.size() == most_codes) break;
      if (code.is_number_unsigned() && code <= 99'999'999U) failure.codes.push_back(code.get<unsigned>());
    }
  }
  if (const std::string* description = acme::text_member(json, "error_description")) {
    // The rest are the trace id and the like.
    failure.description = acme::shown(description->substr(0, description->find_first_of("\r\n")), longest_description);
  }
  failure.remedy = remedy_of(cause_of(failure.codes), response.status);
  return failure;
}

base::Error explained(const EntraFailure& failure, const Asked& asked) {
  std::string what = sentence(cause_of(failure.codes), asked);
  std::string said = failure.codes.empty() ? failure.error : fmt::format("AADSTS{}", failure.codes.front());
  if (what.empty()) {
    what = fmt::format("Entra gives no token: {}", failure.description.empty() ? failure.error : failure.description);
  }
  // The description begins with the code.
  if (!what.contains(said)) what += fmt::format(" ({})", said);
  return {base::Code::refused, std::move(what), base::Origin::upstream,
          failure.remedy == Remedy::none ? base::Retry::never : base::Retry::later};
}

}  // namespace azure
