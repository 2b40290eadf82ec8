#include "kube/secret.h"

#include <string_view>
#include <utility>

#include "base/base64.h"
#include "kube/wipe_data.h"

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

constexpr auto left_out = "sekisho.io/left-out";  // beside data, where the API has nothing

void wipe(nlohmann::json& value) {
  if (!value.is_string()) return;
  auto& text = value.get_ref<std::string&>();
  certstore::wipe(text.data(), text.size());
}

std::size_t text_in(const nlohmann::json& marks) {
  std::size_t size = 0;
  if (!marks.is_object()) return size;
  for (const auto& [key, value] : marks.items()) {
    size += key.size() + (value.is_string() ? value.get_ref<const std::string&>().size() : 0);
  }
  return size;
}

}  // namespace

void keep_certificate(nlohmann::json& secret) {
  if (!secret.is_object()) return;
  if (const auto metadata = secret.find("metadata"); metadata != secret.end() && metadata->is_object()) {
    for (const char* field : {"managedFields", "ownerReferences", "finalizers"}) metadata->erase(field);
    for (const char* field : {"annotations", "labels"}) {
      if (const auto marks = metadata->find(field); marks != metadata->end() && text_in(*marks) > largest_pair) {
        metadata->erase(marks);
      }
    }
  }
  const auto data = secret.find("data");
  if (data == secret.end() || !data->is_object()) return;
  std::size_t pair = 0;
  for (auto value = data->begin(); value != data->end();) {
    const std::size_t size = value->is_string() ? value->get_ref<const std::string&>().size() : 0;
    const bool is_of_pair = value.key() == "tls.crt" || value.key() == "tls.key";
    // A bundle of all that somebody trusts may be large, and is not what is served.
    if (is_of_pair || (value.key() == "ca.crt" && size <= largest_pair)) {
      pair += is_of_pair ? size : 0;
      ++value;
    } else {
      wipe(*value);
      value = data->erase(value);
    }
  }
  if (pair <= largest_pair) return;
  wipe_data(secret);
  secret.erase("data");
  secret[left_out] = pair;
}

ObjectRead<Secret> read_secret(const nlohmann::json& object) {
  ObjectFaults faults;
  const ObjectFields fields(object, "", faults);
  Secret secret;
  secret.metadata = read_metadata(fields, Resource::Scope::namespaced);
  secret.type = fields.text("type");
  if (fields.has(left_out)) fields.refuse("data", "more than 64 KiB", "a certificate and its key in less");
  if (const auto values = fields.object("data")) {
    secret.certificate = read_bytes(*values, "tls.crt");
    secret.key = read_bytes(*values, "tls.key");
    secret.ca_certificates = read_bytes(*values, "ca.crt");
  }
  if (!faults.empty()) return std::unexpected(std::move(faults));
  return secret;
}

}  // namespace kube
