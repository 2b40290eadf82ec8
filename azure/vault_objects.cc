#include "azure/vault_objects.h"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "base/http_url.h"
#include "certstore/pem.h"
#include "certstore/pfx.h"
#include "certstore/secret_bytes.h"

namespace azure {
namespace {

constexpr std::size_t longest_name = 127;
constexpr std::size_t longest_url = 8192;
constexpr std::size_t most_tags = 50;
constexpr std::size_t longest_tag = 1024;       // bytes
constexpr std::int64_t latest = 9'000'000'000;  // nanoseconds in 64 bits hold no more
constexpr const char* not_exportable =
    "the key does not come with it: the certificate's policy says that it is not exportable (key_props.exportable), or "
    "an HSM holds it";

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= longest_name && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::optional<base::SystemTime> time_of(const nlohmann::json& json, std::string_view name) {
  const nlohmann::json* member = acme::member(json, name);
  if (member == nullptr || !member->is_number_integer()) return std::nullopt;
  if (member->is_number_unsigned() && member->get<std::uint64_t>() > static_cast<std::uint64_t>(latest)) {
    return base::SystemTime(std::chrono::seconds(latest));
  }
  return base::SystemTime(std::chrono::seconds(std::clamp(member->get<std::int64_t>(), -latest, latest)));
}

VaultAttributes attributes_of(const nlohmann::json& json) {
  VaultAttributes attributes;
  const nlohmann::json* object = acme::member(json, "attributes");
  if (object == nullptr) return attributes;
  const nlohmann::json* enabled = acme::member(*object, "enabled");
  attributes.enabled = enabled == nullptr || !enabled->is_boolean() || enabled->get<bool>();
  attributes.created = time_of(*object, "created");
  attributes.updated = time_of(*object, "updated");
  attributes.not_before = time_of(*object, "nbf");
  attributes.expires = time_of(*object, "exp");
  return attributes;
}

std::map<std::string, std::string> tags_of(const nlohmann::json& json) {
  std::map<std::string, std::string> tags;
  const nlohmann::json* object = acme::member(json, "tags");
  if (object == nullptr || !object->is_object()) return tags;
  for (const auto& [name, value] : object->items()) {
    if (tags.size() == most_tags) break;
    const auto* text = value.get_ptr<const std::string*>();
    // A vault takes 256 characters of each; what is longer says nothing that could be followed.
    if (text == nullptr || name.size() > longest_tag || text->size() > longest_tag) continue;
    tags.emplace(name, *text);
  }
  return tags;
}

// "https://VAULT/certificates/NAME", "https://VAULT/secrets/NAME/VERSION"
bool read_id(std::string_view id, VaultItem& item) {
  const auto url = base::parse_http_url(id);
  if (!url || !url->rest.starts_with('/')) return false;
  std::string_view path = url->rest.substr(1);
  const std::size_t kind_end = path.find('/');
  if (kind_end == std::string_view::npos) return false;
  const std::string_view kind = path.substr(0, kind_end);
  if (kind != "certificates" && kind != "secrets") return false;
  path.remove_prefix(kind_end + 1);
  const std::size_t name_end = std::min(path.find('/'), path.size());
  item.name = path.substr(0, name_end);
  item.version = name_end < path.size() ? path.substr(name_end + 1) : std::string_view();
  return is_name(item.name) && (item.version.empty() || is_name(item.version));
}

base::Result<void> check_parts(const base::Result<void>& read, const certstore::PemContents& contents) {
  if (!read && contents.certificates.empty()) return {};  // the reader of certificates says it better
  if (!contents.certificates.empty() && contents.keys.empty() && !contents.has_encrypted_key) {
    return base::fail(base::Code::not_found, not_exportable, base::Origin::upstream);
  }
  return {};
}

}  // namespace

base::Result<VaultPage> vault_page_from(const nlohmann::json& json) {
  VaultPage page;
  // An answer that is no list must not pass for a vault with nothing in it.
  const nlohmann::json* value = acme::array_member(json, "value");
  if (value == nullptr) return acme::lacks("list", "value");
  for (const nlohmann::json& element : *value) {
    const std::string* id = acme::text_member(element, "id");
    VaultItem item;
    // Left out, it would look like one that is gone from the vault.
    if (id == nullptr || !read_id(*id, item)) return acme::lacks("element of the list", "id");
    item.attributes = attributes_of(element);
    item.tags = tags_of(element);
    item.thumbprint = acme::shown_member(element, "x5t", longest_name);
    page.items.push_back(std::move(item));
  }
  // Nor a first page for the whole list.
  const nlohmann::json* next = acme::member(json, "nextLink");
  if (next == nullptr || next->is_null()) return page;
  if (!next->is_string() || next->get_ref<const std::string&>().size() > longest_url) {
    return acme::lacks("list", "nextLink");
  }
  page.next = next->get<std::string>();
  return page;
}

base::Result<VaultSecret> vault_secret_from(const nlohmann::json& json) {
  const std::string* value = acme::text_member(json, "value");
  if (value == nullptr) return acme::lacks("secret", "value");
  return VaultSecret{.value = *value, .content_type = acme::shown_member(json, "contentType", longest_name)};
}

std::vector<VaultItem> enabled_newest_first(std::vector<VaultItem> versions) {
  std::erase_if(versions, [](const VaultItem& item) { return !item.attributes.enabled || item.version.empty(); });
  const auto age = [](const VaultItem& item) {
    const base::SystemTime unknown{};
    return std::tuple(item.attributes.created.value_or(unknown), item.attributes.updated.value_or(unknown),
                      std::string_view(item.version));
  };
  std::ranges::sort(versions, [&](const VaultItem& one, const VaultItem& other) { return age(one) > age(other); });
  return versions;
}

base::Result<certstore::CertificatePtr> certificate_in(const VaultSecret& secret) {
  const std::string_view value = secret.value;
  if (value.contains("-----BEGIN ")) {
    certstore::PemContents contents;
    const auto read = certstore::read_pem(value, contents);
    if (auto whole = check_parts(read, contents); !whole) return std::unexpected(std::move(whole.error()));
    return certstore::Certificate::from_pem(value, {});
  }
  auto contents = certstore::read_pfx(value, {});
  if (!contents) {
    if (contents.error().code == base::Code::refused) {
      return base::fail(base::Code::invalid, "the PFX has a password: Key Vault gives them out without one",
                        base::Origin::upstream);
    }
    return base::fail(base::Code::invalid, "neither a PFX in base64 nor PEM: " + contents.error().what,
                      base::Origin::upstream);
  }
  if (auto whole = check_parts({}, *contents); !whole) return std::unexpected(std::move(whole.error()));
  return certstore::Certificate::from_pfx(value, {});
}

}  // namespace azure
