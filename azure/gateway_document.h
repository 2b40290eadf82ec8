// GatewayDocument: an Application Gateway as ARM shows it, read as far as certificates and who refers to them go.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "azure/json_text.h"
#include "base/error.h"

namespace azure {

// The newest whose document was read. What is read and written goes through one and the same, new version: an older one
// would drop what it does not know.
inline constexpr std::string_view gateway_api_version = "2025-07-01";

// An element of properties.sslCertificates.
struct GatewayCertificate {
  std::string name;
  std::string id;                         // empty: the document has none
  std::string key_vault_secret_id;        // empty: it was uploaded
  std::vector<std::string> fingerprints;  // SHA-256 in lower case, of all that publicCertData holds, in no order
  std::string unreadable;                 // why there are none
  bool referenced = false;                // by a listener, or by whatever else names its id

  [[nodiscard]] bool shows(std::string_view fingerprint) const;
};

// An element of properties.httpListeners.
struct GatewayListener {
  std::string name;
  std::string protocol;  // "Https"
  std::vector<std::string> hosts;
  std::string certificate_id;  // empty: it refers to none
};

// Immutable.
class GatewayDocument {
 public:
  // `text` is ARM's answer, controlled by the other side and of bounded size. Errors: `protocol` for what is no
  // gateway.
  [[nodiscard]] static base::Result<GatewayDocument> parse(std::string text);

  [[nodiscard]] const JsonText& places() const noexcept { return places_; }
  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }
  // properties.provisioningState is none of those that end: somebody's operation is under way. That it is Succeeded
  // proves nothing: it is so between the steps of one operation too.
  [[nodiscard]] bool updating() const noexcept { return updating_; }
  // The last operation failed or was cancelled: what is shown may be what was asked for, and not what is served.
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  // In their order in the document, one for each element.
  [[nodiscard]] const std::vector<GatewayCertificate>& certificates() const noexcept { return certificates_; }
  [[nodiscard]] const std::vector<GatewayListener>& listeners() const noexcept { return listeners_; }
  // The place of the first of that name; ARM compares names without regard to case.
  [[nodiscard]] std::optional<std::size_t> certificate(std::string_view name) const;
  [[nodiscard]] std::optional<std::size_t> listener(std::string_view name) const;
  // The id that an element of sslCertificates of this name has.
  [[nodiscard]] std::string certificate_id(std::string_view name) const;

 private:
  explicit GatewayDocument(JsonText places) : places_(std::move(places)) {}

  JsonText places_;
  std::string id_;
  bool stopped_ = false;
  bool updating_ = false;
  bool failed_ = false;
  std::vector<GatewayCertificate> certificates_;
  std::vector<GatewayListener> listeners_;
};

// Names and ids of ARM.
[[nodiscard]] bool same_name(std::string_view one, std::string_view other) noexcept;

}  // namespace azure
