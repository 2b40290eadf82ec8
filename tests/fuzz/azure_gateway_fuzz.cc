// An Application Gateway as ARM may show it: whatever it is, what is rebuilt is a gateway with ours in it, and touches
// nothing else.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include <nlohmann/json.hpp>

#include "azure/gateway_plan.h"
#include "azure/public_certificate.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

nlohmann::ordered_json without_ours(const std::string& text) {
  auto json = nlohmann::ordered_json::parse(text);
  auto& properties = json["properties"];
  auto list = properties.find("sslCertificates");
  if (list == properties.end() || list->is_null()) return json;
  auto others = nlohmann::ordered_json::array();
  for (auto& one : *list) {
    const bool named = one.is_object() && one.contains("name") && one["name"].is_string();
    if (!named || !azure::same_name(one["name"].get_ref<const std::string&>(), "ours")) others.push_back(one);
  }
  properties.erase(list);
  if (!others.empty()) properties["sslCertificates"] = others;
  return json;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  (void)azure::fingerprints_in(text);
  const auto there = azure::GatewayDocument::parse(text);
  if (!there) return 0;
  const std::vector<azure::GatewayWant> wanted{
      {.name = "ours", .fingerprint = "ff", .hosts = {"a.example"}, .key_vault_secret_id = "https://v/secrets/ours"}};
  const auto plan = azure::plan_gateway(*there, wanted, {.name_prefix = "old-", .listeners = {}});
  const auto rebuilt = azure::rebuilt(*there, wanted, plan, {});
  if (!rebuilt) return 0;
  if (plan.steps.empty()) {
    require(std::string_view(*rebuilt) == text);
    return 0;
  }
  const auto after = azure::GatewayDocument::parse(std::string(*rebuilt));
  require(after.has_value());
  const auto place = after->certificate("ours");
  require(place && after->certificates()[*place].key_vault_secret_id == wanted.front().key_vault_secret_id);
  // Members that stand twice are one for the reader, and two for the text.
  require(without_ours(text).dump() == without_ours(std::string(*rebuilt)).dump() ||
          text.find("properties") != text.rfind("properties"));
  return 0;
}
