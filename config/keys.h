// Every mapping of the configuration and its keys. The parser refuses what is not listed here, and a test holds
// config/schema.json to the same lists.
#pragma once

#include <array>
#include <string_view>
#include <vector>

namespace config {

struct KeySet {
  std::string_view noun;                   // the name under $defs in the schema, "_" for a blank
  std::array<std::string_view, 20> known;  // empty ones at the end
  [[nodiscard]] std::vector<std::string_view> list() const;
  [[nodiscard]] bool has(std::string_view key) const;
};

namespace keys {

inline constexpr KeySet configuration{
    "configuration",
    {"workers", "state_directory", "listeners", "admin", "access_log", "tls", "certificates", "issuers", "routes",
     "backends", "https_port", "trusted_proxies", "limits", "timeouts", "drain", "mirrors", "azure"}};

inline constexpr KeySet listener{"listener", {"address", "tls", "proxy_protocol"}};
inline constexpr KeySet proxy_protocol{"proxy_protocol", {"from"}};
inline constexpr KeySet admin{"admin", {"address", "token_file"}};

inline constexpr KeySet tls{"tls", {"profile", "unknown_name", "client_certificates", "hosts", "tickets"}};
inline constexpr KeySet client_certificates{"client_certificates", {"mode", "ca_certificates"}};
inline constexpr KeySet tls_host{"tls_host", {"hosts", "client_certificates"}};
inline constexpr KeySet tickets{"tickets", {"rotation"}};

inline constexpr KeySet certificate{"certificate",
                                    {"files", "directory", "hosts", "issuer", "key_vault", "default", "name", "key",
                                     "profile", "challenge", "renew_before", "until_issued", "on_demand"}};
inline constexpr KeySet certificate_files{"certificate_files", {"certificate", "key", "pfx", "password_file"}};
inline constexpr KeySet key_vault{
    "key_vault", {"vault", "name", "prefix", "tags", "kind", "version", "poll", "tenant_id", "client_id"}};
inline constexpr KeySet certificate_key{"certificate_key", {"types", "rsa_bits", "reuse"}};
inline constexpr KeySet on_demand{"on_demand", {"allow", "ask", "ask_ca_certificates", "new_per_hour", "at_most"}};

inline constexpr KeySet issuer{"issuer", {"acme", "self_signed", "ca"}};
inline constexpr KeySet acme{"acme",
                             {"directory", "email", "agree_to_terms", "challenge", "ca_certificates", "account_key",
                              "external_account", "profile", "preferred_chain", "renewal_info", "preflight", "dns",
                              "nameservers", "http_port", "tls_port", "fallback"}};
inline constexpr KeySet external_account{"external_account", {"key_id", "hmac_key_file"}};
inline constexpr KeySet dns{"dns", {"rfc2136", "exec", "azure", "ttl", "propagation"}};
inline constexpr KeySet rfc2136{"rfc2136", {"server", "zone", "key_name", "key_algorithm", "secret_file"}};
inline constexpr KeySet dns_exec{"dns_exec", {"command", "timeout"}};
inline constexpr KeySet azure_dns{"azure_dns",
                                  {"subscription_id", "resource_group", "zone", "environment", "tenant_id", "client_id",
                                   "managed_identity_resource_id", "client_secret_file"}};
inline constexpr KeySet dns_propagation{"dns_propagation", {"check", "timeout", "delay"}};
inline constexpr KeySet self_signed{"self_signed", {"lifetime"}};
inline constexpr KeySet ca{"ca", {"certificate", "key", "lifetime"}};

inline constexpr KeySet azure{
    "azure",
    {"cloud", "authority_host", "resource_manager", "key_vault_suffix", "metadata_endpoint", "ca_certificates",
     "tenant_id", "client_id", "identity", "token_file", "client_certificate", "token_command"}};
inline constexpr KeySet azure_client_certificate{"azure_client_certificate", {"certificate", "key"}};

inline constexpr KeySet mirror{"mirror", {"application_gateway", "key_vault"}};
inline constexpr KeySet application_gateway{"application_gateway",
                                            {"resource_id", "certificates", "by", "vault", "listeners", "name_prefix",
                                             "prune_after", "probe_address", "tenant_id", "client_id"}};
inline constexpr KeySet key_vault_mirror{"key_vault_mirror",
                                         {"vault", "certificates", "name_prefix", "tenant_id", "client_id"}};
inline constexpr KeySet mirrored_certificate{"mirrored_certificate", {"certificate", "name"}};

inline constexpr KeySet route{
    "route",
    {"name", "hosts", "path", "methods", "headers", "backend", "replace_prefix", "redirect", "respond",
     "https_redirect", "request_headers", "response_headers", "body_size", "request_timeout"}};
inline constexpr KeySet path{"path", {"prefix", "exact"}};
inline constexpr KeySet header_match{"header_match", {"name", "exact", "prefix", "present", "absent"}};
inline constexpr KeySet redirect{"redirect", {"status", "scheme", "host", "port", "path", "replace_prefix"}};
inline constexpr KeySet respond{"respond", {"status", "content_type", "body"}};
inline constexpr KeySet header_changes{"header_changes", {"remove", "set", "add"}};

inline constexpr KeySet backend{"backend",
                                {"endpoints", "balance", "protocol", "tls", "host_header", "health_check", "ejection",
                                 "timeouts", "limits", "retries", "proxy_protocol", "affinity"}};
inline constexpr KeySet endpoint{"endpoint", {"address", "weight"}};
inline constexpr KeySet upstream_tls{"upstream_tls",
                                     {"verify", "server_name", "ca_certificates", "client_certificate"}};
inline constexpr KeySet upstream_client_certificate{"upstream_client_certificate", {"certificate", "key"}};
inline constexpr KeySet health_check{
    "health_check",
    {"path", "host", "interval", "timeout", "healthy_after", "unhealthy_after", "status_from", "status_to"}};
inline constexpr KeySet ejection{"ejection", {"consecutive_failures", "duration", "at_most_percent"}};
inline constexpr KeySet backend_timeouts{"backend_timeouts",
                                         {"connect", "first_byte", "idle", "upgraded_idle", "request"}};
inline constexpr KeySet backend_limits{"backend_limits",
                                       {"connections", "idle_connections", "idle_for", "queue", "queue_timeout"}};
inline constexpr KeySet retries{"retries", {"attempts", "budget_percent"}};
inline constexpr KeySet affinity{"affinity", {"cookie"}};
inline constexpr KeySet affinity_cookie{"affinity_cookie", {"name", "max_age", "path", "same_site", "secure"}};

inline constexpr KeySet limits{
    "limits",
    {"header_count", "header_size", "uri_length", "body_size", "body_rate", "streams_per_connection",
     "connections_per_address", "connections", "requests_per_connection"}};
inline constexpr KeySet timeouts{"timeouts", {"handshake", "header", "body", "idle", "write"}};
inline constexpr KeySet drain{"drain", {"grace", "deadline"}};

inline constexpr std::array all{&configuration,
                                &listener,
                                &proxy_protocol,
                                &admin,
                                &tls,
                                &client_certificates,
                                &tls_host,
                                &tickets,
                                &certificate,
                                &certificate_files,
                                &key_vault,
                                &certificate_key,
                                &on_demand,
                                &issuer,
                                &acme,
                                &external_account,
                                &dns,
                                &rfc2136,
                                &dns_exec,
                                &azure_dns,
                                &dns_propagation,
                                &self_signed,
                                &ca,
                                &mirror,
                                &application_gateway,
                                &key_vault_mirror,
                                &mirrored_certificate,
                                &azure,
                                &azure_client_certificate,
                                &route,
                                &path,
                                &header_match,
                                &redirect,
                                &respond,
                                &header_changes,
                                &backend,
                                &endpoint,
                                &upstream_tls,
                                &upstream_client_certificate,
                                &health_check,
                                &ejection,
                                &backend_timeouts,
                                &backend_limits,
                                &retries,
                                &affinity,
                                &affinity_cookie,
                                &limits,
                                &timeouts,
                                &drain};

}  // namespace keys
}  // namespace config
