#include "azure/entra.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "base/http_url.h"
#include "base/wait.h"
#include "certstore/secret_bytes.h"

namespace azure {
namespace {

using std::chrono::milliseconds;
using Remedy = EntraFailure::Remedy;

constexpr unsigned most_tries = 3;
constexpr milliseconds deadline_of_one{10'000};
constexpr milliseconds longest_wait{5'000};
constexpr std::size_t largest_answer = 1U << 20U;
constexpr std::size_t largest_bundle = 1U << 20U;
constexpr std::string_view assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

// application/x-www-form-urlencoded
void add_field(std::string& form, std::string_view name, std::string_view value) {
  if (!form.empty()) form += '&';
  form.append(name).append("=").append(base::percent_encoded(value));
}

std::string form_of(const Entra::Exchange& exchange, const Proof& proof) {
  std::string form;
  add_field(form, "grant_type", "client_credentials");
  add_field(form, "client_id", exchange.client_id);
  add_field(form, "scope", exchange.scope);
  if (!proof.secret.empty()) {
    add_field(form, "client_secret", proof.secret);
  } else {
    add_field(form, "client_assertion_type", assertion_type);
    add_field(form, "client_assertion", proof.assertion);
  }
  return form;
}

std::string with_port(std::string_view authority, std::string_view host) {
  return authority.size() > host.size() ? std::string(authority) : std::string(authority) + ":443";
}

}  // namespace

Entra::Entra(IdentityOptions options)
    : options_([&options] {
        if (!options.wait) options.wait = base::wait_for;
        return std::move(options);
      }()) {}

std::string Entra::token_url(const std::string& tenant) const {
  return fmt::format("{}/{}/oauth2/v2.0/token", options_.endpoints.authority, tenant);
}

// The proxy of an identity binding: it shows a certificate for its SNI, from a CA of the cluster's.
base::Result<void> Entra::lead_through_proxy(const std::string& path, base::HttpRequest& request) const {
  const IdentityEnvironment& environment = options_.environment;
  const auto url = base::parse_http_url(environment.token_proxy);
  const bool plain = url && url->secure && !url->host().empty() && !url->rest.contains('?') && !url->rest.contains('#');
  if (!plain) return base::fail(base::Code::invalid, "AZURE_KUBERNETES_TOKEN_PROXY is no https URL");
  std::string folder(url->rest);
  while (folder.ends_with('/')) folder.pop_back();
  const std::string sni = environment.token_proxy_sni.empty() ? std::string(url->host()) : environment.token_proxy_sni;
  request.url = "https://" + sni + folder + path;
  request.connect_to = with_port(url->authority, url->host());
  request.headers.push_back({"Host", std::string(url->authority)});
  request.proxy = base::HttpRequest::Proxy::none;
  request.ca_pem = environment.token_proxy_ca_data;
  if (!environment.token_proxy_ca_file.empty()) {
    auto bundle = base::read_file(environment.token_proxy_ca_file, largest_bundle);
    if (!bundle) return std::unexpected(std::move(bundle.error()).in("AZURE_KUBERNETES_CA_FILE"));
    request.ca_pem = *std::move(bundle);
  }
  return {};
}

base::Result<base::HttpRequest> Entra::request_for(const Exchange& exchange) const {
  base::HttpRequest request;
  request.method = "POST";
  request.url = token_url(exchange.tenant);
  request.ca_pem = options_.endpoints.ca_pem;
  request.timeout = deadline_of_one;
  request.body_limit = largest_answer;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
  if (exchange.through_proxy && !options_.environment.token_proxy.empty()) {
    const std::string path = fmt::format("/{}/oauth2/v2.0/token", exchange.tenant);
    if (auto led = lead_through_proxy(path, request); !led) return std::unexpected(std::move(led.error()));
  }
  return request;
}

base::Result<Entra::Answer> Entra::send(const Exchange& exchange, const std::stop_token& stop) {
  auto proof = exchange.prove();
  if (!proof) return std::unexpected(std::move(proof.error()));
  auto request = request_for(exchange);
  if (!request) return std::unexpected(std::move(request.error()));
  request->body = form_of(exchange, *proof);
  const certstore::WipedAtEnd form_wiped(request->body);
  auto response = http_.send(*request, stop);
  if (!response) return std::unexpected(std::move(response.error()).in("Entra"));
  return Answer{*std::move(response), claims_of(proof->assertion)};
}

base::Result<Grant> Entra::exchange(const Exchange& exchange, const std::stop_token& stop) {
  milliseconds wait{1'000};
  for (unsigned tried = 1;; ++tried) {
    auto answer = send(exchange, stop);
    base::Error error;
    Remedy remedy = Remedy::wait;
    if (!answer) {
      error = std::move(answer.error());
      if (error.retry == base::Retry::never) return std::unexpected(std::move(error));
    } else if (answer->response.status == 200) {
      auto grant = grant_from(answer->response.body, options_.clock.now());
      certstore::wipe(answer->response.body.data(), answer->response.body.size());
      if (!grant) return std::unexpected(std::move(grant.error()).in("Entra"));
      return grant;
    } else {
      const EntraFailure failure = entra_failure_from(answer->response);
      error = explained(failure, {exchange.tenant, exchange.client_id, exchange.scope, answer->proof});
      remedy = failure.remedy;
      if (const auto asked = wait_in(answer->response, options_.clock.now())) wait = *asked;
    }
    if (remedy == Remedy::none || tried == most_tries || wait > longest_wait) return std::unexpected(std::move(error));
    if (remedy == Remedy::wait && !options_.wait(wait, stop)) {
      return base::fail(base::Code::cancelled, "stopped", base::Origin::control);
    }
    wait *= 2;
  }
}

}  // namespace azure
