// IssuingChart: the way from an Ingress to the certificate in its Secret, link by link, as the objects of the API say
// it: Ingress, Certificate, issuer, Order, Challenge, Secret. At each link that does not hold, what to do next.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "certstore/certificate.h"
#include "kube/client.h"
#include "kube/host_report.h"

namespace kube {

struct ChartLink {
  enum class State : std::uint8_t { good, waiting, bad, unknown };
  std::string what;    // "ingress", "certificate", "issuing", "issuer", "order", "challenge", "secret", "api"
  std::string object;  // "shop/web-tls"
  State state = State::good;
  std::string text;  // for people; holds what the objects' owners wrote, never a secret
  std::string next;  // what to do; empty: nothing
  friend bool operator==(const ChartLink&, const ChartLink&) = default;
};
[[nodiscard]] const char* to_string(ChartLink::State state) noexcept;

// The objects behind one Secret, as they were read. Null: there is none.
struct ChartObjects {
  ObjectName secret_name;
  std::optional<WantedCertificate> wanted;  // what annotations ask for
  nlohmann::json certificate;
  nlohmann::json issuer;
  std::vector<nlohmann::json> orders;                           // of the Certificate
  std::vector<nlohmann::json> challenges;                       // of the Certificate
  std::optional<base::Result<certstore::CertificatePtr>> held;  // in the Secret; nothing: there is no Secret
  enum class Definitions : std::uint8_t { there, missing } definitions = Definitions::there;  // of cert-manager
  std::vector<ApiFailure> failures;  // what could not be read, which is not there for that reason
};
// Reads what can be read; the rest is among its failures. A few calls, one after the other; blocking until `stop`.
[[nodiscard]] ChartObjects read_chart_objects(Client& client, const ObjectName& secret,
                                              const std::optional<WantedCertificate>& wanted,
                                              const std::stop_token& stop);

// ---- Pure.

// Whether an Ingress of ours wants the host, and with which Secret.
[[nodiscard]] std::vector<ChartLink> ingress_links(const HostReport& report, const std::string& host);
// From the Certificate to the Secret.
[[nodiscard]] std::vector<ChartLink> issuing_links(const ChartObjects& objects, const std::string& host,
                                                   base::SystemTime now);

}  // namespace kube
