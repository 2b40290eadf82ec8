#include "azure/key_vault.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/http_url.h"
#include "base/json.h"
#include "certstore/secret_bytes.h"

namespace azure {
namespace {

constexpr std::size_t most_objects = 10'000;
constexpr std::size_t most_versions = 1'000;
constexpr std::size_t most_pages = 1'000;  // some are empty
constexpr std::size_t largest_answer = 4U << 20U;
constexpr std::size_t largest_list = 32U << 20U;  // what is kept of all pages together
constexpr unsigned page_size = 25;                // the most that the API takes
constexpr unsigned most_retries = 2;

const char* collection_of(KeyVault::Kind kind) {
  return kind == KeyVault::Kind::certificate ? "certificates" : "secrets";
}

std::size_t size_of(const VaultItem& item) {
  std::size_t size = sizeof item + item.name.size() + item.version.size() + item.thumbprint.size();
  for (const auto& [name, value] : item.tags) size += sizeof name + sizeof value + name.size() + value.size();
  return size;
}

Outcome<nlohmann::json> protocol_failure(std::string what) {
  return failed({base::Code::protocol, std::move(what), base::Origin::upstream, base::Retry::later});
}

}  // namespace

KeyVault::KeyVault(std::shared_ptr<const Services> services, std::string_view vault,
                   config::AzureOtherIdentity identity)
    : services_(std::move(services)),
      url_(services_->endpoints.vault_url(vault)),
      token_{.scope = services_->endpoints.key_vault_scope,
             .tenant = std::move(identity.tenant_id),
             .client_id = std::move(identity.client_id)} {}

std::string KeyVault::url_of(const std::string& path_and_query) const {
  return fmt::format("{}{}{}api-version={}", url_, path_and_query, path_and_query.contains('?') ? '&' : '?',
                     key_vault_api_version);
}

// What a list says comes next is followed with our token: never to another place.
bool KeyVault::is_of_this_vault(std::string_view url) const {
  const std::string origin = base::origin_of(url);
  return !origin.empty() && origin == base::origin_of(url_);
}

std::string KeyVault::tenant() const {
  const std::lock_guard lock(mutex_);
  return challenge_ ? challenge_->tenant : std::string();
}

base::Result<void> KeyVault::take_challenge(const std::string& header) {
  auto challenge = vault_challenge_in(header);
  if (!challenge) return std::unexpected(std::move(challenge.error()));
  if (auto good = check_challenge(*challenge, url_, token_.scope); !good) return good;
  const std::lock_guard lock(mutex_);
  challenge_ = *std::move(challenge);
  return {};
}

// Asked once without a token and without a body, as the SDKs do.
Outcome<void> KeyVault::learn_challenge(const std::stop_token& stop) {
  {
    const std::lock_guard lock(mutex_);
    if (challenge_) return {};
  }
  auto answer = services_->client->send({.url = url_of("/secrets?maxresults=1"),
                                         .token = std::nullopt,
                                         .retries = most_retries,
                                         .body_limit = largest_answer},
                                        stop);
  if (answer) return failed({base::Code::protocol, "it answers without a token", base::Origin::upstream});
  if (answer.error().status != 401) return std::unexpected(std::move(answer.error()));
  if (auto taken = take_challenge(answer.error().challenge); !taken) return failed(std::move(taken.error()));
  return {};
}

Outcome<nlohmann::json> KeyVault::call_url(const std::string& method, const std::string& url, const std::string& body,
                                           const std::stop_token& stop) {
  if (auto learned = learn_challenge(stop); !learned) return std::unexpected(std::move(learned.error()));
  auto answer = services_->client->send({.method = method,
                                         .url = url,
                                         .token = token_,
                                         .body = body,
                                         .retries = most_retries,
                                         .body_limit = largest_answer},
                                        stop);
  if (!answer) {
    // The vault may have moved to another tenant: its challenge is looked at anew the next time.
    if (answer.error().status == 401) {
      const std::lock_guard lock(mutex_);
      challenge_.reset();
    }
    return std::unexpected(std::move(answer.error()));
  }
  const certstore::WipedAtEnd wiped(answer->body);
  nlohmann::json object = base::parse_json(answer->body);
  if (!object.is_object()) return protocol_failure("the answer is no JSON object");
  return object;
}

Outcome<nlohmann::json> KeyVault::call(const std::string& method, const std::string& path_and_query,
                                       const std::string& body, const std::stop_token& stop) {
  return call_url(method, url_of(path_and_query), body, stop);
}

Outcome<std::vector<VaultItem>> KeyVault::pages(std::string url, std::size_t most, const std::stop_token& stop) {
  std::vector<VaultItem> items;
  std::size_t size = 0;
  for (std::size_t count = 0; count < most_pages; ++count) {
    auto json = call_url("GET", url, {}, stop);
    if (!json) return std::unexpected(std::move(json.error()));
    auto page = vault_page_from(*json);
    if (!page) return failed(std::move(page.error()));
    if (items.size() + page->items.size() > most) {
      return failed({base::Code::too_large, fmt::format("a list of more than {} elements", most),
                     base::Origin::upstream, base::Retry::later});
    }
    for (const VaultItem& item : page->items) size += size_of(item);
    if (size > largest_list) {
      return failed({base::Code::too_large, fmt::format("a list of more than {} MiB", largest_list >> 20U),
                     base::Origin::upstream, base::Retry::later});
    }
    std::ranges::move(page->items, std::back_inserter(items));
    if (page->next.empty()) return items;
    if (!is_of_this_vault(page->next)) {
      return failed({base::Code::protocol, "its list goes on in another place, which is not followed",
                     base::Origin::upstream, base::Retry::later});
    }
    url = std::move(page->next);
  }
  return failed({base::Code::too_large, "a list without an end", base::Origin::upstream, base::Retry::later});
}

Outcome<std::vector<VaultItem>> KeyVault::list(Kind kind, const std::stop_token& stop) {
  return pages(url_of(fmt::format("/{}?maxresults={}", collection_of(kind), page_size)), most_objects, stop);
}

Outcome<std::vector<VaultItem>> KeyVault::versions(Kind kind, const std::string& name, const std::stop_token& stop) {
  return pages(url_of(fmt::format("/{}/{}/versions?maxresults={}", collection_of(kind), name, page_size)),
               most_versions, stop);
}

Outcome<VaultSecret> KeyVault::secret(const std::string& name, const std::string& version,
                                      const std::stop_token& stop) {
  auto json = call("GET", fmt::format("/secrets/{}/{}", name, version), {}, stop);
  if (!json) return std::unexpected(std::move(json.error()));
  auto secret = vault_secret_from(*json);
  if (auto value = json->find("value"); value != json->end() && value->is_string()) {
    auto& text = value->get_ref<std::string&>();
    certstore::wipe(text.data(), text.size());
  }
  if (!secret) return failed(std::move(secret.error()));
  return *std::move(secret);
}

bool KeyVault::is_soft_deleted(Kind kind, const std::string& name, const std::stop_token& stop) {
  return call("GET", fmt::format("/deleted{}/{}", collection_of(kind), name), {}, stop).has_value();
}

}  // namespace azure
