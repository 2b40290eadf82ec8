// The sections of the configuration, one reader each. Every reader reports its faults and returns what could be read,
// so that the next one can go on; only parse() decides whether the whole is valid.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/faults.h"
#include "config/value.h"

namespace config {

// A name used here that must be declared elsewhere.
struct Reference {
  std::string name;
  Mark mark;
};

// read_listeners.cc
struct ListenersSection {
  std::vector<Listener> listeners;
  std::optional<Mark> first_tls;
};
[[nodiscard]] ListenersSection read_listeners(const Value& value);
[[nodiscard]] Admin read_admin(const Value& value, const std::vector<Listener>& listeners);

// read_tls.cc
[[nodiscard]] Tls read_tls(const Value& value);

// issuer_text.cc
// A name that the operator gives: a label of metrics, a column of tables, a part of a URL.
[[nodiscard]] Read<std::string> parse_given_name(std::string_view text);
// A URL that secrets may be sent to: https, or http to this very machine.
[[nodiscard]] Read<std::string> parse_secure_url(std::string_view text);
[[nodiscard]] Read<std::string> parse_email(std::string_view text);
// A name in the DNS, which may hold underscores: zones and TSIG keys. In lower case, without a dot at the end.
[[nodiscard]] Read<std::string> parse_dns_name(std::string_view text);
// "192.0.2.53", "192.0.2.53:5353", "[2001:db8::1]:53": the same with its port, 53 if none is given.
[[nodiscard]] Read<std::string> parse_nameserver(std::string_view text);
// The same, or the server by its name.
[[nodiscard]] Read<std::string> parse_dns_server(std::string_view text);

// read_issuers.cc
struct IssuersSection {
  std::map<std::string, Issuer> issuers;  // those that could be read
  std::vector<std::string> declared;
  std::map<std::string, Reference> fallbacks;  // by the issuer that names them
};
[[nodiscard]] IssuersSection read_issuers(const Value& value);
[[nodiscard]] std::optional<ChallengeType> read_challenge(const Mapping& map);

// read_dns.cc
[[nodiscard]] DnsSolver read_dns(const Value& value);
// A program and its arguments; one that is written with a folder starts in that of the configuration.
[[nodiscard]] std::vector<std::string> read_command(const Value& value);

// read_issued.cc
struct PlacedIssued {  // where the parts of an IssuedCertificate stand
  std::size_t source = 0;
  Mark name;
  Mark profile;
  Mark challenge;
  Mark renew_before;
  std::map<std::string, Mark> hosts;
};
struct PlacedCertificate {
  IssuedCertificate issued;
  PlacedIssued places;
  std::optional<Reference> issuer;
};
[[nodiscard]] PlacedCertificate read_issued(const Mapping& map);

// read_certificates.cc
struct CertificatesSection {
  std::vector<CertificateSource> sources;
  std::vector<PlacedIssued> issued;
  std::vector<Reference> issuers;
};
[[nodiscard]] CertificatesSection read_certificates(const Value& value);

// read_azure.cc
[[nodiscard]] Azure read_azure(const Value& value);
[[nodiscard]] AzureDns read_azure_dns(const Value& value);
[[nodiscard]] KeyVaultCertificate read_key_vault(const Value& value);

// read_mirrors.cc
[[nodiscard]] std::vector<Mirror> read_mirrors(const Value& value);

// azure_text.cc
// "my-vault", or a URL that secrets may be sent to, without a path.
[[nodiscard]] Read<std::string> parse_vault(std::string_view text);
// The same as parse_secure_url, without a slash at the end.
[[nodiscard]] Read<std::string> parse_endpoint_url(std::string_view text);
// A certificate or secret of a vault: letters, digits and hyphens.
[[nodiscard]] Read<std::string> parse_vault_name(std::string_view text);
// One segment of a resource id: a subscription, a resource group, a listener.
[[nodiscard]] Read<std::string> parse_azure_segment(std::string_view text);
[[nodiscard]] Read<std::string> parse_application_gateway(std::string_view text);
[[nodiscard]] AzureOtherIdentity read_other_identity(const Mapping& map);

// issuer_rules.cc: what certificates and issuers demand of each other.
void check_issued(const CertificatesSection& certificates, const IssuersSection& issuers, Faults& faults);
void check_fallbacks(const IssuersSection& issuers, Faults& faults);

// read_routes.cc
struct RoutesSection {
  std::vector<Route> routes;
  std::vector<Reference> backends;
};
[[nodiscard]] RoutesSection read_routes(const Value& value);

// route_match.cc: what a route matches, and whether two match the same.
[[nodiscard]] PathMatch read_path_match(const Value& value);
[[nodiscard]] std::vector<HeaderMatch> read_header_matches(const Value& value);
struct PlacedRoute {
  Route route;
  Mark mark;
  std::optional<Mark> name;  // where its name stands; none: it gets one
};
// Reports routes of the same name and routes that match exactly the same, and names those without a name.
[[nodiscard]] std::vector<Route> distinct_routes(std::vector<PlacedRoute> routes, const Scope& scope);

// route_action.cc
[[nodiscard]] Redirect read_redirect(const Value& value);
[[nodiscard]] Respond read_respond(const Value& value);
[[nodiscard]] HeaderChanges read_header_changes(const Value& value);

// header_text.cc: what may stand in a header field (RFC 9110 §5).
[[nodiscard]] Read<std::string> parse_header_name(std::string_view text);  // lower-cased
[[nodiscard]] Read<std::string> parse_header_value(std::string_view text);
[[nodiscard]] Read<std::string> parse_method(std::string_view text);
[[nodiscard]] Read<std::string> parse_url_path(std::string_view text);
[[nodiscard]] Read<std::string> parse_request_target(std::string_view text);  // a path, and perhaps a query
// "app.internal", "app.internal:8080", "[::1]:80": what goes into a Host header.
[[nodiscard]] Read<std::string> parse_authority(std::string_view text);
// RFC 6265 §4.1.1: a token.
[[nodiscard]] Read<std::string> parse_cookie_name(std::string_view text);
// A path that can stand in a Set-Cookie: without a semicolon.
[[nodiscard]] Read<std::string> parse_cookie_path(std::string_view text);

// read_backends.cc
[[nodiscard]] std::map<std::string, Backend> read_backends(const Value& value);

// backend_parts.cc
[[nodiscard]] std::optional<UpstreamTls> read_upstream_tls(const Value& value);
[[nodiscard]] HealthCheck read_health_check(const Value& value);
[[nodiscard]] Ejection read_ejection(const Value& value);
[[nodiscard]] BackendTimeouts read_backend_timeouts(const Value& value);
[[nodiscard]] BackendLimits read_backend_limits(const Value& value);
[[nodiscard]] Retries read_retries(const Value& value);
[[nodiscard]] std::optional<AffinityCookie> read_affinity(const Value& value);

// read_limits.cc
[[nodiscard]] Limits read_limits(const Value& value);
[[nodiscard]] Timeouts read_timeouts(const Value& value);
[[nodiscard]] Drain read_drain(const Value& value);

[[nodiscard]] std::vector<base::IpNetwork> read_networks(const std::optional<Value>& value);

// state_directory.cc: $STATE_DIRECTORY (systemd), else $XDG_STATE_HOME/sekisho, else ~/.local/state/sekisho.
[[nodiscard]] std::filesystem::path default_state_directory();

// Bounds of values that several sections share.
inline constexpr Range<milliseconds> any_wait{milliseconds(1), std::chrono::hours(24)};
inline constexpr Range<milliseconds> wait_or_none{milliseconds(0), std::chrono::hours(24)};

}  // namespace config
