#include "kube/challenge_secret.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "acme/json_fields.h"
#include "acme/stored_time.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/log.h"
#include "certstore/secret_bytes.h"
#include "kube/object_names.h"
#include "kube/own_labels.h"

namespace kube {
namespace {

constexpr std::size_t longest_name = 1024;
constexpr const char* generation_annotation = "sekisho.io/generation";

std::string text_at(const nlohmann::json& json, const char* key) {
  const std::string* text = acme::text_member(json, key);
  return text == nullptr ? std::string() : *text;
}

nlohmann::json entry_in(const nlohmann::json& value) {
  if (!value.is_string()) return {};
  auto text = base::from_base64(value.get_ref<const std::string&>());
  if (!text) return {};
  const certstore::WipedAtEnd wiped(*text);
  return base::parse_json(*text);
}

}  // namespace

std::uint64_t generation_in(const nlohmann::json& object, std::string_view annotation) {
  const nlohmann::json* metadata = acme::member(object, "metadata");
  const nlohmann::json* annotations = metadata == nullptr ? nullptr : acme::member(*metadata, "annotations");
  const std::string* text = annotations == nullptr ? nullptr : acme::text_member(*annotations, annotation);
  std::uint64_t generation = 0;
  if (text != nullptr) std::from_chars(text->data(), text->data() + text->size(), generation);
  return generation;
}

ChallengeSecret::ChallengeSecret(const ObjectName& name) {
  object_ = {{"apiVersion", "v1"}, {"kind", "Secret"}, {"type", "Opaque"}};
  object_["metadata"] = {{"name", name.name}, {"namespace", name.name_space}};
  object_["metadata"]["labels"] = {
      {labels::managed_by, "sekisho"}, {labels::record, "challenges"}, {labels::no_backup, "true"}};
}

nlohmann::json& ChallengeSecret::data() {
  nlohmann::json& data = object_["data"];
  if (!data.is_object()) data = nlohmann::json::object();
  return data;
}

base::Result<void> ChallengeSecret::add(const std::string& key, const nlohmann::json& entry) {
  std::string text = base::json_line(entry);
  const certstore::WipedAtEnd wiped(text);
  std::string written = base::to_base64(text);
  std::size_t size = written.size();
  for (const auto& [name, value] : data().items()) {
    size += name.size() + (value.is_string() ? value.get_ref<const std::string&>().size() : 0);
  }
  if (size > largest) return base::fail(base::Code::overloaded, "there are too many challenges already");
  data()[key] = std::move(written);
  return {};
}

base::Result<void> ChallengeSecret::add_http01(const std::string& token, const std::string& key_authorization,
                                               base::SystemTime now) {
  if (token.empty() || token.size() > longest_name || key_authorization.size() > 2 * longest_name) {
    return base::fail(base::Code::invalid, "challenge: a token of " + std::to_string(token.size()) + " bytes");
  }
  const nlohmann::json entry{
      {"type", "http-01"}, {"name", token}, {"key_authorization", key_authorization}, {"made", acme::stored(now)}};
  return add(object_name_for("http01", token), entry);
}

base::Result<void> ChallengeSecret::add_tls_alpn01(const std::string& server_name,
                                                   const certstore::Certificate& certificate, base::SystemTime now) {
  if (server_name.empty() || server_name.size() > longest_name) {
    return base::fail(base::Code::invalid, "challenge: no server name");
  }
  const nlohmann::json entry{{"type", "tls-alpn-01"},
                             {"name", server_name},
                             {"certificate", certificate.chain_pem()},
                             {"key", certificate.key_pem()},
                             {"made", acme::stored(now)}};
  return add(object_name_for("alpn01", server_name), entry);
}

bool ChallengeSecret::remove(const std::string& key) {
  return data().erase(key) != 0;
}

bool ChallengeSecret::remove_http01(const std::string& token) {
  return remove(object_name_for("http01", token));
}

bool ChallengeSecret::remove_tls_alpn01(const std::string& server_name) {
  return remove(object_name_for("alpn01", server_name));
}

std::uint64_t ChallengeSecret::generation() const {
  return generation_in(object_, generation_annotation);
}

void ChallengeSecret::change(base::SystemTime now) {
  std::vector<std::string> old;
  for (const auto& [key, value] : data().items()) {
    const auto made = acme::stored_time(entry_in(value), "made");
    // One from the future was written before the clock was put back.
    if (!made || *made < now - longest_life || *made > now + longest_life) old.push_back(key);
  }
  for (const std::string& key : old) data().erase(key);
  // By the clock, so that it grows even where the Secret was deleted.
  const auto by_clock = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  const auto next = std::max(generation() + 1, static_cast<std::uint64_t>(std::max<std::int64_t>(0, by_clock)));
  object_["metadata"]["annotations"][generation_annotation] = std::to_string(next);
}

certstore::Challenges ChallengeSecret::challenges() const {
  certstore::Challenges all;
  const nlohmann::json* entries = acme::member(object_, "data");
  if (entries == nullptr || !entries->is_object()) return all;
  for (const auto& [key, value] : entries->items()) {
    const nlohmann::json entry = entry_in(value);
    std::string name = text_at(entry, "name");
    if (name.empty()) continue;
    if (text_at(entry, "type") == "http-01") {
      all.http01.emplace(std::move(name), text_at(entry, "key_authorization"));
      continue;
    }
    std::string private_key = text_at(entry, "key");
    const certstore::WipedAtEnd wiped(private_key);
    auto certificate = certstore::Certificate::from_pem(text_at(entry, "certificate"), private_key);
    if (certificate) {
      all.tls_alpn01.emplace(std::move(name), *std::move(certificate));
    } else {
      base::log::warning("challenge not read", {{"name", name}, {"reason", certificate.error().what}});
    }
  }
  return all;
}

}  // namespace kube
