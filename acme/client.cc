#include "acme/client.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include <nlohmann/json.hpp>

#include "acme/issued_chain.h"
#include "acme/json_fields.h"
#include "acme/server.h"
#include "acme/server_url.h"
#include "base/base64.h"
#include "base/json.h"

namespace acme {
namespace {

using Repeat = Server::Post::Repeat;

constexpr std::size_t most_orders = 1000;
constexpr std::size_t most_order_pages = 100;
constexpr std::chrono::seconds longest_poll = std::chrono::hours(24);

// `read` makes the object of the body, in JSON.
template <class Read>
auto read_body(const Answer& answer, std::string_view operation, Read read)
    -> Outcome<typename decltype(read(nlohmann::json()))::value_type> {
  const auto json = parse_json(answer.body);
  if (!json) return failed(base::Error(json.error()).in(operation));
  auto object = read(*json);
  if (!object) return failed(std::move(object.error()).in(operation));
  return *std::move(object);
}

template <class T>
Polled<T> polled(T value, const Answer& answer) {
  auto retry_after = answer.retry_after;
  if (retry_after) retry_after = std::min(*retry_after, longest_poll);
  return {std::move(value), retry_after};
}

Outcome<Answer> post_as_get(Server& server, std::string_view operation, const Signer& signer, const std::string& url,
                            const std::stop_token& stop) {
  return server.post({.operation = operation,
                      .url = url,
                      .key = signer.key,
                      .kid = signer.account_url,
                      .payload = {},
                      .repeat = Repeat::when_lost},
                     stop);
}

Outcome<Answer> post(Server& server, std::string_view operation, const Signer& signer, const std::string& url,
                     const nlohmann::json& payload, const std::stop_token& stop) {
  return server.post({.operation = operation,
                      .url = url,
                      .key = signer.key,
                      .kid = signer.account_url,
                      .payload = base::json_line(payload)},
                     stop);
}

Outcome<Account> read_account(const Answer& answer, std::string_view operation, const std::string& url) {
  return read_body(answer, operation, [&](const nlohmann::json& json) { return account_from(json, url); });
}

Outcome<Order> read_order(const Answer& answer, std::string_view operation, const std::string& url) {
  return read_body(answer, operation, [&](const nlohmann::json& json) { return order_from(json, url); });
}

// RFC 8555 §7.3.4
base::Result<nlohmann::json> new_account_payload(const AccountKey& key, const NewAccount& wanted,
                                                 const std::string& url) {
  nlohmann::json payload = nlohmann::json::object();
  if (!wanted.contact.empty()) payload["contact"] = wanted.contact;
  if (wanted.terms_agreed) payload["termsOfServiceAgreed"] = true;
  if (wanted.only_existing) payload["onlyReturnExisting"] = true;
  if (wanted.key_id) {
    auto binding = external_account_binding(key, *wanted.key_id, wanted.hmac_key, url);
    if (!binding) return std::unexpected(std::move(binding.error()));
    payload["externalAccountBinding"] = *std::move(binding);
  }
  return payload;
}

// Leniently: a page of a gateway is no chain, whatever else a server may call one.
bool may_be_chain(const Answer& answer) {
  return answer.content_type != "text/html" && !answer.content_type.ends_with("json");
}

}  // namespace

Client::Client(Options options, const base::Clock& clock, Observe observe)
    : server_(std::make_unique<Server>(std::move(options), clock, std::move(observe))) {}
Client::~Client() = default;

const std::string& Client::directory_url() const noexcept {
  return server_->options().directory_url;
}

Outcome<Directory> Client::directory(std::stop_token stop) {
  return server_->directory(stop);
}

Outcome<Directory> Client::directory_anew(std::stop_token stop) {
  return server_->directory_anew(stop);
}

Outcome<Account> Client::new_account(const AccountKey& key, const NewAccount& wanted, std::stop_token stop) {
  const auto directory = server_->directory(stop);
  if (!directory) return std::unexpected(directory.error());
  const auto payload = new_account_payload(key, wanted, directory->new_account);
  if (!payload) return failed(base::Error(payload.error()).in("newAccount"));
  // Asked twice, the server finds the account that the first time made (RFC 8555 §7.3).
  const auto answer = server_->post({.operation = "newAccount",
                                     .url = directory->new_account,
                                     .key = key,
                                     .kid = {},
                                     .payload = base::json_line(*payload),
                                     .repeat = Repeat::when_lost},
                                    stop);
  if (!answer) return std::unexpected(answer.error());
  if (answer->location.empty()) return failed(base::Code::protocol, "newAccount: the answer has no Location");
  return read_account(*answer, "newAccount", answer->location);
}

Outcome<Account> Client::account(const Signer& signer, std::stop_token stop) {
  const auto answer = post_as_get(*server_, "account", signer, signer.account_url, stop);
  if (!answer) return std::unexpected(answer.error());
  return read_account(*answer, "account", signer.account_url);
}

Outcome<Account> Client::change_contact(const Signer& signer, const std::vector<std::string>& contact,
                                        std::stop_token stop) {
  const auto answer = post(*server_, "account", signer, signer.account_url, {{"contact", contact}}, stop);
  if (!answer) return std::unexpected(answer.error());
  return read_account(*answer, "account", signer.account_url);
}

Outcome<void> Client::deactivate(const Signer& signer, std::stop_token stop) {
  const auto answer = post(*server_, "account", signer, signer.account_url, {{"status", "deactivated"}}, stop);
  if (!answer) return std::unexpected(answer.error());
  return {};
}

Outcome<void> Client::change_key(const Signer& signer, const AccountKey& next, std::stop_token stop) {
  const auto directory = server_->directory(stop);
  if (!directory) return std::unexpected(directory.error());
  if (directory->key_change.empty()) return failed(base::Code::not_found, "the server has no keyChange");
  // RFC 8555 §7.3.5: the inner JWS is signed by the new key and has no nonce; the outer one is signed by the old key.
  const nlohmann::json change{{"account", signer.account_url}, {"oldKey", signer.key.jwk()}};
  const auto inner = sign_jws(next, {.url = directory->key_change, .nonce = {}, .kid = {}}, base::json_line(change));
  if (!inner) return failed(base::Error(inner.error()).in("keyChange"));
  const auto answer = server_->post({.operation = "keyChange",
                                     .url = directory->key_change,
                                     .key = signer.key,
                                     .kid = signer.account_url,
                                     .payload = *inner},
                                    stop);
  if (!answer) return std::unexpected(answer.error());
  return {};
}

Outcome<std::vector<std::string>> Client::orders(const Signer& signer, const Account& account, std::stop_token stop) {
  std::vector<std::string> urls;
  std::string page = account.orders;
  for (std::size_t pages = 0; !page.empty() && pages < most_order_pages; ++pages) {
    const auto answer = post_as_get(*server_, "orders", signer, page, stop);
    if (!answer) return std::unexpected(answer.error());
    const auto json = parse_json(answer->body);
    const auto* const list = json ? array_member(*json, "orders") : nullptr;
    if (list == nullptr) return failed(lacks("list of orders", "orders").error());
    for (const auto& one : *list) {
      if (urls.size() == most_orders) return urls;
      if (one.is_string() && is_server_url(one.get_ref<const std::string&>())) urls.push_back(one.get<std::string>());
    }
    page = answer->next;
  }
  return urls;
}

Outcome<Order> Client::new_order(const Signer& signer, const NewOrder& wanted, std::stop_token stop) {
  const auto directory = server_->directory(stop);
  if (!directory) return std::unexpected(directory.error());
  NewOrder asked = wanted;
  // RFC 9773 §5: only for servers that have ARI; others may refuse what they do not know.
  if (directory->renewal_info.empty()) asked.replaces.clear();
  const auto answer = post(*server_, "newOrder", signer, directory->new_order, to_json(asked), stop);
  if (!answer) return std::unexpected(answer.error());
  if (answer->location.empty()) return failed(base::Code::protocol, "newOrder: the answer has no Location");
  return read_order(*answer, "newOrder", answer->location);
}

Outcome<Polled<Order>> Client::order(const Signer& signer, const std::string& url, std::stop_token stop) {
  const auto answer = post_as_get(*server_, "order", signer, url, stop);
  if (!answer) return std::unexpected(answer.error());
  auto order = read_order(*answer, "order", url);
  if (!order) return std::unexpected(std::move(order.error()));
  return polled(*std::move(order), *answer);
}

Outcome<Polled<Authorization>> Client::authorization(const Signer& signer, const std::string& url,
                                                     std::stop_token stop) {
  const auto answer = post_as_get(*server_, "authorization", signer, url, stop);
  if (!answer) return std::unexpected(answer.error());
  auto authorization =
      read_body(*answer, "authorization", [&](const nlohmann::json& json) { return authorization_from(json, url); });
  if (!authorization) return std::unexpected(std::move(authorization.error()));
  return polled(*std::move(authorization), *answer);
}

Outcome<void> Client::deactivate_authorization(const Signer& signer, const std::string& url, std::stop_token stop) {
  const auto answer = post(*server_, "authorization", signer, url, {{"status", "deactivated"}}, stop);
  if (!answer) return std::unexpected(answer.error());
  return {};
}

Outcome<Challenge> Client::respond(const Signer& signer, const Challenge& challenge, std::stop_token stop) {
  // RFC 8555 §7.5.1: an empty object, where an empty payload would only fetch the challenge.
  const auto answer = post(*server_, "challenge", signer, challenge.url, nlohmann::json::object(), stop);
  if (!answer) return std::unexpected(answer.error());
  return read_body(*answer, "challenge", &challenge_from);
}

Outcome<Polled<Order>> Client::finalize(const Signer& signer, const Order& order, std::string_view csr,
                                        std::stop_token stop) {
  const auto answer = post(*server_, "finalize", signer, order.finalize, {{"csr", base::to_base64url(csr)}}, stop);
  if (!answer) return std::unexpected(answer.error());
  auto finalized = read_order(*answer, "finalize", order.url);
  if (!finalized) return std::unexpected(std::move(finalized.error()));
  return polled(*std::move(finalized), *answer);
}

Outcome<IssuedChain> Client::download(const Signer& signer, const std::string& url, std::stop_token stop) {
  const auto answer = server_->post({.operation = "certificate",
                                     .url = url,
                                     .key = signer.key,
                                     .kid = signer.account_url,
                                     .payload = {},
                                     .repeat = Repeat::when_lost,
                                     .accept = "application/pem-certificate-chain"},
                                    stop);
  if (!answer) return std::unexpected(answer.error());
  if (!may_be_chain(*answer)) return failed(base::Code::protocol, "certificate: the answer is no chain in PEM");
  auto chain = checked_chain(answer->body);
  if (!chain) return failed(std::move(chain.error()).in("certificate"));
  return IssuedChain{*std::move(chain), answer->alternates};
}

Outcome<void> Client::revoke(const Signer& signer, std::string_view certificate, std::optional<unsigned> reason,
                             std::stop_token stop) {
  const auto directory = server_->directory(stop);
  if (!directory) return std::unexpected(directory.error());
  if (directory->revoke_cert.empty()) return failed(base::Code::not_found, "the server has no revokeCert");
  nlohmann::json payload{{"certificate", base::to_base64url(certificate)}};
  if (reason) payload["reason"] = *reason;
  const auto answer = post(*server_, "revokeCert", signer, directory->revoke_cert, payload, stop);
  if (!answer) return std::unexpected(answer.error());
  return {};
}

Outcome<Polled<RenewalInfo>> Client::renewal_info(const std::string& certificate_id, std::stop_token stop) {
  const auto directory = server_->directory(stop);
  if (!directory) return std::unexpected(directory.error());
  if (directory->renewal_info.empty()) return failed(base::Code::not_found, "the server has no renewal information");
  std::string url = directory->renewal_info;
  if (!url.ends_with('/')) url += '/';
  const auto answer = server_->get("renewalInfo", url + certificate_id, stop);
  if (!answer) return std::unexpected(answer.error());
  auto window = read_body(*answer, "renewalInfo", &renewal_info_from);
  if (!window) return std::unexpected(std::move(window.error()));
  return polled(*std::move(window), *answer);
}

}  // namespace acme
