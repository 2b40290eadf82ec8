// Issuers: who makes certificates, and how control over a name is shown. Part of Config.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/azure.h"

namespace config {

// RFC 8555 §8.3, §8.4; RFC 8737; draft-ietf-acme-dns-account-label; draft-ietf-acme-dns-persist.
enum class ChallengeType : std::uint8_t { http01, tls_alpn01, dns01, dns_account01, dns_persist01 };
[[nodiscard]] std::string_view to_string(ChallengeType type) noexcept;  // "http-01"
// By a record in the DNS, the only way to show control over a wildcard, and no way over an address (RFC 8738 §7).
[[nodiscard]] constexpr bool proved_by_dns(ChallengeType type) noexcept {
  return type != ChallengeType::http01 && type != ChallengeType::tls_alpn01;
}
// Needs somebody who writes records. That of dns-persist-01 is placed once and stays: it can be done by hand.
[[nodiscard]] constexpr bool needs_dns_provider(ChallengeType type) noexcept {
  return proved_by_dns(type) && type != ChallengeType::dns_persist01;
}

// The key of an issued certificate.
struct CertificateKey {
  enum class Type : std::uint8_t { ecdsa, rsa };
  std::vector<Type> types{Type::ecdsa};  // one certificate for each
  unsigned rsa_bits = 2048;              // 2048, 3072, 4096
  bool reuse = false;                    // the same key at renewal
  friend bool operator==(const CertificateKey&, const CertificateKey&) = default;
};

struct ExternalAccount {
  std::string key_id;
  std::filesystem::path hmac_key_file;  // base64url, as CAs give it out
  friend bool operator==(const ExternalAccount&, const ExternalAccount&) = default;
};

// RFC 2136 with TSIG (RFC 8945).
struct Rfc2136 {
  std::string server;  // "192.0.2.1:53", "ns.example.com:53", "[2001:db8::1]:53"
  std::string zone;    // empty: found by asking
  std::string key_name;
  std::string key_algorithm = "hmac-sha256";  // hmac-sha224, -sha256, -sha384, -sha512
  std::filesystem::path secret_file;          // base64, as tsig-keygen prints it; empty: unsigned
  friend bool operator==(const Rfc2136&, const Rfc2136&) = default;
};

// A program of the operator's: COMMAND... add|remove FQDN VALUE.
struct DnsExec {
  std::vector<std::string> command;
  std::chrono::milliseconds timeout{60'000};
  friend bool operator==(const DnsExec&, const DnsExec&) = default;
};

struct DnsPropagation {
  enum class Check : std::uint8_t { authoritative, none };
  Check check = Check::authoritative;  // every authoritative server of the zone has to show the record
  std::chrono::milliseconds timeout{120'000};
  std::chrono::milliseconds delay{0};  // waited after that, for caches that nobody can ask
  friend bool operator==(const DnsPropagation&, const DnsPropagation&) = default;
};

struct DnsSolver {
  std::variant<Rfc2136, DnsExec, AzureDns> provider;
  std::chrono::seconds ttl{60};
  DnsPropagation propagation;
  friend bool operator==(const DnsSolver&, const DnsSolver&) = default;
};

// What is looked at before the CA is asked. enforce: a failure waits and tries again; warn: said, and gone on; off.
enum class Preflight : std::uint8_t { enforce, warn, off };

struct AcmeIssuer {
  std::string directory;  // URL
  std::string email;      // empty: no contact
  bool agree_to_terms = false;
  ChallengeType challenge = ChallengeType::http01;
  std::filesystem::path ca_certificates;  // trust for the directory's own TLS; empty: the system's
  std::filesystem::path account_key;      // a key given by the operator; empty: made and kept
  std::string account;  // tells accounts at one directory apart, in records and locks; empty: there is one
  std::optional<ExternalAccount> external_account;
  std::string profile;          // empty: the server's choice
  std::string preferred_chain;  // common name of the chain's topmost issuer; empty: the server's first
  bool renewal_info = true;     // ARI, RFC 9773
  Preflight preflight = Preflight::enforce;
  std::optional<DnsSolver> dns;
  std::vector<std::string> nameservers;  // "IP:port", asked instead of those of the system, by pre-flight and DNS-01
  // Where the CA looks: others than 80 and 443 only with a test CA.
  std::uint16_t http_port = 80;
  std::uint16_t tls_port = 443;
  std::string fallback;  // another issuer, asked after this one's limit or repeated failure
  friend bool operator==(const AcmeIssuer&, const AcmeIssuer&) = default;
};

// Signs with a CA certificate and key of the operator's.
struct CaIssuer {
  std::filesystem::path certificate;  // PEM; intermediates behind it are served along
  std::filesystem::path key;
  std::chrono::seconds lifetime{std::chrono::hours(24 * 90)};
  friend bool operator==(const CaIssuer&, const CaIssuer&) = default;
};

struct SelfSignedIssuer {
  std::chrono::seconds lifetime{std::chrono::hours(24 * 90)};
  friend bool operator==(const SelfSignedIssuer&, const SelfSignedIssuer&) = default;
};

using Issuer = std::variant<AcmeIssuer, CaIssuer, SelfSignedIssuer>;

// Names that strangers may bring up in a handshake. Allowed: on the list, by a pattern, and if there is an `ask` URL
// only with its 200.
struct OnDemand {
  std::vector<std::string> allow;  // exact or "*.example.com"; empty with `ask`: any
  std::string ask;                 // URL; "?domain=NAME" is added; empty: none
  std::filesystem::path ask_ca_certificates;
  unsigned new_per_hour = 10;  // certificates begun, besides those that are renewed
  unsigned at_most = 1000;     // certificates in all
  friend bool operator==(const OnDemand&, const OnDemand&) = default;
};

// A certificate that sekisho gets by itself.
struct IssuedCertificate {
  enum class UntilIssued : std::uint8_t { local_ca, refuse };

  std::string name;                // unique; the first host if not given
  std::vector<std::string> hosts;  // lower case, A-labels, wildcards, addresses; empty only with on_demand
  std::string issuer;              // a key of Config::issuers
  CertificateKey key;
  std::optional<std::string> profile;                // instead of the issuer's
  std::optional<ChallengeType> challenge;            // instead of the issuer's
  std::optional<std::chrono::seconds> renew_before;  // instead of ARI and of a third of the lifetime
  UntilIssued until_issued = UntilIssued::local_ca;  // what the names show before the first certificate is there
  std::optional<OnDemand> on_demand;
  friend bool operator==(const IssuedCertificate&, const IssuedCertificate&) = default;
};

// How control over the names of a certificate is shown to this issuer.
[[nodiscard]] ChallengeType challenge_of(const IssuedCertificate& certificate, const AcmeIssuer& issuer) noexcept;
// The wildcards of a certificate that no order can ever get, because its challenge is not one by DNS. A configuration
// may have them beside names that can be got: those are ordered without them. None where the issuer is not ACME.
[[nodiscard]] std::vector<std::string> unprovable_hosts(const IssuedCertificate& certificate, const Issuer& issuer);

}  // namespace config
