#include "kube/served_secret.h"

#include "acme/json_fields.h"
#include "base/base64.h"
#include "certstore/secret_bytes.h"
#include "kube/client.h"
#include "kube/own_labels.h"

namespace kube {
namespace {

constexpr auto issued_for = "cert-manager.io/certificate-name";

const std::string* annotation(const nlohmann::json& secret, const char* name) {
  const nlohmann::json* metadata = acme::member(secret, "metadata");
  const nlohmann::json* annotations = metadata == nullptr ? nullptr : acme::member(*metadata, "annotations");
  return annotations == nullptr ? nullptr : acme::text_member(*annotations, name);
}

nlohmann::json contents_of(const ServedCopy& copy) {
  nlohmann::json contents;
  contents["metadata"]["labels"][labels::managed_by] = "sekisho";
  contents["metadata"]["annotations"][served_copy::of] = copy.certificate_name;
  contents["metadata"]["annotations"][served_copy::fingerprint] = copy.fingerprint;
  contents["data"]["tls.crt"] = base::to_base64(copy.chain_pem);
  contents["data"]["tls.key"] = base::to_base64(copy.key_pem);
  return contents;
}

}  // namespace

bool takes_copies(const nlohmann::json& secret) {
  return secret.is_object() && annotation(secret, served_copy::of) != nullptr &&
         annotation(secret, issued_for) == nullptr;
}

bool holds(const nlohmann::json& secret, const ServedCopy& copy) {
  const nlohmann::json* data = secret.is_object() ? acme::member(secret, "data") : nullptr;
  if (data == nullptr) return false;
  const std::string* chain = acme::text_member(*data, "tls.crt");
  const std::string* key = acme::text_member(*data, "tls.key");
  if (chain == nullptr || key == nullptr || *chain != base::to_base64(copy.chain_pem)) return false;
  std::string wanted = base::to_base64(copy.key_pem);
  const certstore::WipedAtEnd wipe_wanted(wanted);
  return *key == wanted;
}

nlohmann::json secret_with(const ServedCopy& copy, const ObjectName& name) {
  nlohmann::json secret = contents_of(copy);
  secret["apiVersion"] = "v1";
  secret["kind"] = "Secret";
  secret["type"] = "kubernetes.io/tls";
  secret["metadata"]["name"] = name.name;
  secret["metadata"]["namespace"] = name.name_space;
  return secret;
}

nlohmann::json patch_with(const ServedCopy& copy, const nlohmann::json& before) {
  nlohmann::json patch = contents_of(copy);
  patch["metadata"]["uid"] = metadata_text(before, "uid");
  patch["metadata"]["resourceVersion"] = metadata_text(before, "resourceVersion");
  return patch;
}

}  // namespace kube
