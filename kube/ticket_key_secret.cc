#include "kube/ticket_key_secret.h"

#include <string>
#include <string_view>
#include <utility>

#include "acme/json_fields.h"
#include "base/base64.h"
#include "certstore/secret_bytes.h"
#include "certstore/ticket_key_file.h"
#include "kube/own_labels.h"

namespace kube {
namespace {

constexpr auto member = "ticket-keys";
constexpr std::size_t longest = 4096;

}  // namespace

base::Result<certstore::TicketKeySet> ticket_keys_in(const nlohmann::json& secret) {
  const nlohmann::json* data = acme::member(secret, "data");
  const std::string* encoded = data == nullptr ? nullptr : acme::text_member(*data, member);
  if (encoded == nullptr) return base::fail(base::Code::invalid, std::string("has no ") + member);
  if (encoded->size() > longest) return base::fail(base::Code::invalid, std::string(member) + " is too long");
  auto text = base::from_base64(*encoded);
  if (!text) return base::fail(base::Code::invalid, std::string(member) + " is not base64");
  const certstore::WipedAtEnd wiped(*text);
  auto keys = certstore::read_ticket_keys(*text);
  if (!keys) return std::unexpected(std::move(keys.error()).in(member));
  return keys;
}

nlohmann::json ticket_key_secret(const ObjectName& name, nlohmann::json before, const certstore::TicketKeySet& keys) {
  nlohmann::json secret = before.is_object() ? std::move(before) : nlohmann::json::object();
  secret["apiVersion"] = "v1";
  secret["kind"] = "Secret";
  secret["metadata"]["name"] = name.name;
  secret["metadata"]["namespace"] = name.name_space;
  nlohmann::json& own = secret["metadata"]["labels"];
  own[labels::managed_by] = "sekisho";
  own[labels::record] = "ticket-keys";
  // Who had a backup could open what was recorded of connections: these keys are to be forgotten.
  own[labels::no_backup] = "true";
  if (!secret.contains("type")) secret["type"] = "Opaque";
  std::string text = certstore::write_ticket_keys(keys);
  const certstore::WipedAtEnd wiped(text);
  secret["data"][member] = base::to_base64(text);
  return secret;
}

}  // namespace kube
