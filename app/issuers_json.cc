#include "app/issuers_json.h"

#include <array>

#include "config/quantities.h"

namespace app {
namespace {

using config::milliseconds;

template <class Duration>
std::string text(Duration duration) {
  return config::to_string(std::chrono::duration_cast<milliseconds>(duration));
}

Json key_json(const config::CertificateKey& key) {
  Json types = Json::array();
  for (const auto type : key.types) types.push_back(type == config::CertificateKey::Type::rsa ? "rsa" : "ecdsa");
  return {{"types", types}, {"rsa_bits", key.rsa_bits}, {"reuse", key.reuse}};
}

// A program's arguments may hold credentials; its name does not.
Json provider_json(const config::DnsSolver& dns) {
  if (const auto* exec = std::get_if<config::DnsExec>(&dns.provider)) {
    return {{"program", exec->command.empty() ? "" : exec->command.front()},
            {"arguments", exec->command.empty() ? 0 : exec->command.size() - 1},
            {"timeout", text(exec->timeout)}};
  }
  if (const auto* azure = std::get_if<config::AzureDns>(&dns.provider)) {
    return {{"subscription_id", azure->subscription_id},
            {"resource_group", azure->resource_group},
            {"zone", azure->zone},
            {"environment", azure->cloud ? to_string(*azure->cloud) : ""},
            {"tenant_id", azure->identity.tenant_id},
            {"client_id", azure->identity.client_id},
            {"managed_identity_resource_id", azure->managed_identity_resource_id},
            {"client_secret_file", azure->client_secret_file.string()}};
  }
  const auto& update = std::get<config::Rfc2136>(dns.provider);
  return {{"server", update.server},
          {"zone", update.zone},
          {"key_name", update.key_name},
          {"key_algorithm", update.key_algorithm},
          {"secret_file", update.secret_file.string()}};
}

Json dns_json(const config::DnsSolver& dns) {
  constexpr std::array providers{"rfc2136", "exec", "azure"};
  const bool checked = dns.propagation.check == config::DnsPropagation::Check::authoritative;
  return {{providers.at(dns.provider.index()), provider_json(dns)},
          {"ttl", text(dns.ttl)},
          {"propagation",
           {{"check", checked ? "authoritative" : "none"},
            {"timeout", text(dns.propagation.timeout)},
            {"delay", text(dns.propagation.delay)}}}};
}

Json acme_json(const config::AcmeIssuer& acme) {
  constexpr std::array preflights{"enforce", "warn", "off"};
  Json result{{"directory", acme.directory},
              {"email", acme.email},
              {"agree_to_terms", acme.agree_to_terms},
              {"challenge", to_string(acme.challenge)},
              {"ca_certificates", acme.ca_certificates.string()},
              {"account_key", acme.account_key.string()},
              {"profile", acme.profile},
              {"preferred_chain", acme.preferred_chain},
              {"renewal_info", acme.renewal_info},
              {"preflight", preflights.at(static_cast<std::size_t>(acme.preflight))},
              {"nameservers", acme.nameservers},
              {"http_port", acme.http_port},
              {"tls_port", acme.tls_port},
              {"fallback", acme.fallback}};
  if (acme.external_account) {
    result["external_account"] = {{"key_id", acme.external_account->key_id},
                                  {"hmac_key_file", acme.external_account->hmac_key_file.string()}};
  }
  if (acme.dns) result["dns"] = dns_json(*acme.dns);
  return result;
}

Json issuer_json(const config::Issuer& issuer) {
  if (const auto* acme = std::get_if<config::AcmeIssuer>(&issuer)) return {{"acme", acme_json(*acme)}};
  if (const auto* ca = std::get_if<config::CaIssuer>(&issuer)) {
    return {{"ca",
             {{"certificate", ca->certificate.string()}, {"key", ca->key.string()}, {"lifetime", text(ca->lifetime)}}}};
  }
  return {{"self_signed", {{"lifetime", text(std::get<config::SelfSignedIssuer>(issuer).lifetime)}}}};
}

}  // namespace

Json issued_certificate_json(const config::IssuedCertificate& certificate) {
  const bool refuse = certificate.until_issued == config::IssuedCertificate::UntilIssued::refuse;
  Json result{{"name", certificate.name},
              {"issuer", certificate.issuer},
              {"key", key_json(certificate.key)},
              {"until_issued", refuse ? "refuse" : "local_ca"}};
  if (certificate.profile) result["profile"] = *certificate.profile;
  if (certificate.challenge) result["challenge"] = to_string(*certificate.challenge);
  if (certificate.renew_before) result["renew_before"] = text(*certificate.renew_before);
  if (!certificate.on_demand) {
    result["hosts"] = certificate.hosts;
  } else {
    const config::OnDemand& on_demand = *certificate.on_demand;
    result["on_demand"] = {{"allow", on_demand.allow},
                           {"ask", on_demand.ask},
                           {"ask_ca_certificates", on_demand.ask_ca_certificates.string()},
                           {"new_per_hour", on_demand.new_per_hour},
                           {"at_most", on_demand.at_most}};
  }
  return result;
}

Json issuers_json(const std::map<std::string, config::Issuer>& issuers) {
  Json result = Json::object();
  for (const auto& [name, issuer] : issuers) result[name] = issuer_json(issuer);
  return result;
}

}  // namespace app
