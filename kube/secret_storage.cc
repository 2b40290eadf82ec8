#include "kube/secret_storage.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "acme/json_fields.h"
#include "base/base64.h"
#include "kube/object_names.h"
#include "kube/own_labels.h"

namespace kube {
namespace {

constexpr const char* key_annotation = "sekisho.io/key";
constexpr const char* folder_label = "sekisho.io/folder";
constexpr const char* member_name = "record";

// By the first part of the key: a label holds no slash.
std::string folder_of(std::string_view key) {
  return label_value(key.substr(0, key.find('/')));
}

std::optional<std::string> content_of(const nlohmann::json& secret) {
  const nlohmann::json* data = acme::member(secret, "data");
  const std::string* text = data == nullptr ? nullptr : acme::text_member(*data, member_name);
  // The API leaves out what is empty.
  return base::from_base64(text == nullptr ? std::string_view() : std::string_view(*text));
}

}  // namespace

SecretStorage::SecretStorage(Client& client, std::string name_space)
    : client_(client), name_space_(std::move(name_space)) {}

ObjectName SecretStorage::name_of_record(const std::string& key) const {
  return {name_space_, object_name_for("sekisho-acme", key)};
}

std::string SecretStorage::key_of(const nlohmann::json& object) {
  const nlohmann::json* metadata = acme::member(object, "metadata");
  const nlohmann::json* annotations = metadata == nullptr ? nullptr : acme::member(*metadata, "annotations");
  const std::string* key = annotations == nullptr ? nullptr : acme::text_member(*annotations, key_annotation);
  return key == nullptr ? std::string() : *key;
}

Selection SecretStorage::selection(std::string name_space) {
  return {.name_space = std::move(name_space), .labels = "sekisho.io/record=acme"};
}

base::Result<std::optional<std::string>> SecretStorage::read(const std::string& key) const {
  const auto secret = client_.get(resources::secrets, name_of_record(key), calls_.token());
  if (!secret) {
    if (secret.error().not_found()) return std::nullopt;
    return std::unexpected(base::Error(secret.error().error).in(key));
  }
  if (key_of(*secret) != key) {
    return base::fail(base::Code::invalid,
                      fmt::format("{}: the Secret {} is not of sekisho's making", key, name_of(*secret).name),
                      base::Origin::control);
  }
  auto content = content_of(*secret);
  if (!content) return base::fail(base::Code::invalid, key + ": the Secret holds no base64", base::Origin::control);
  return content;
}

base::Result<void> SecretStorage::write(const std::string& key, std::string_view content) {
  if (content.size() > largest_record) {
    return base::fail(base::Code::too_large, fmt::format("{}: {} bytes are too many for a Secret", key, content.size()),
                      base::Origin::control);
  }
  const ObjectName name = name_of_record(key);
  const nlohmann::json secret{{"metadata",
                               {{"name", name.name},
                                {"namespace", name.name_space},
                                {"labels",
                                 {{labels::managed_by, "sekisho"},
                                  {labels::record, "acme"},
                                  {labels::backup, "true"},
                                  {folder_label, folder_of(key)}}},
                                {"annotations", {{key_annotation, key}}}}},
                              {"type", "Opaque"},
                              {"data", {{member_name, base::to_base64(content)}}}};
  // Applied: made or replaced in one call, by whichever replica.
  const auto written = client_.apply(resources::secrets, secret, Client::Conflict::force, {}, calls_.token());
  if (!written) return std::unexpected(base::Error(written.error().error).in(key));
  return {};
}

base::Result<void> SecretStorage::remove(const std::string& key) {
  const auto removed = client_.remove(resources::secrets, name_of_record(key), {}, calls_.token());
  if (!removed && !removed.error().not_found()) return std::unexpected(base::Error(removed.error().error).in(key));
  return {};
}

base::Result<std::map<std::string, std::string>> SecretStorage::contents(const std::string& folder) const {
  Selection wanted = selection(name_space_);
  wanted.labels += fmt::format(",{}={}", folder_label, folder_of(folder));
  const auto listed = client_.list(resources::secrets, wanted, calls_.token());
  if (!listed) return std::unexpected(base::Error(listed.error().error).in(folder));
  std::map<std::string, std::string> records;
  for (const nlohmann::json& secret : listed->items) {
    auto content = content_of(secret);
    if (std::string key = key_of(secret); content && key.starts_with(folder + '/')) {
      records.emplace(std::move(key), std::move(*content));
    }
  }
  return records;
}

base::Result<std::vector<std::string>> SecretStorage::list(const std::string& folder) const {
  Selection wanted = selection(name_space_);
  wanted.labels += fmt::format(",{}={}", folder_label, folder_of(folder));
  const auto listed = client_.list(resources::secrets, wanted, calls_.token(), Client::Content::metadata);
  if (!listed) return std::unexpected(base::Error(listed.error().error).in(folder));
  std::vector<std::string> keys;
  for (const nlohmann::json& secret : listed->items) {
    std::string key = key_of(secret);
    if (key.starts_with(folder + '/')) keys.push_back(std::move(key));
  }
  std::ranges::sort(keys);
  return keys;
}

void SecretStorage::interrupt() {
  calls_.end_soon();
}

}  // namespace kube
