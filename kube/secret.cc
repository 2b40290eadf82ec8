#include "kube/secret.h"

#include <string_view>
#include <utility>

#include "base/base64.h"

namespace kube {
namespace {

certstore::SecretBytes read_bytes(const ObjectFields& fields, std::string_view key) {
  std::string encoded = fields.text(key);
  const certstore::WipedAtEnd wiped_encoded(encoded);
  auto decoded = base::from_base64(encoded);
  if (!decoded) {
    fields.refuse(key, "text that is not base64", "base64");
    return {};
  }
  const certstore::WipedAtEnd wiped(*decoded);
  return {decoded->begin(), decoded->end()};
}

}  // namespace

ObjectRead<Secret> read_secret(const nlohmann::json& object) {
  ObjectFaults faults;
  const ObjectFields fields(object, "", faults);
  Secret secret;
  secret.metadata = read_metadata(fields, Resource::Scope::namespaced);
  secret.type = fields.text("type");
  if (const auto values = fields.object("data")) {
    secret.certificate = read_bytes(*values, "tls.crt");
    secret.key = read_bytes(*values, "tls.key");
    secret.ca_certificates = read_bytes(*values, "ca.crt");
  }
  if (!faults.empty()) return std::unexpected(std::move(faults));
  return secret;
}

}  // namespace kube
