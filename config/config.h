// Config: everything an operator can say, as plain data that is already valid. Made by config/parse.h (from YAML) and,
// in a cluster, by translation from Kubernetes objects; never half valid. Nothing here reads files, clocks or sockets.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ip_network.h"
#include "config/azure.h"
#include "config/issuers.h"

namespace config {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Bytes. A strong name for sizes, so that 64 KiB cannot be passed where 64 things are meant.
struct Bytes {
  std::uint64_t value = 0;
  friend auto operator<=>(const Bytes&, const Bytes&) = default;
};

// "127.0.0.1:8443", ":8443" (all addresses, both families), "[::1]:8443".
struct SocketAddress {
  std::string host;  // an IP address without brackets, or empty for all
  std::uint16_t port = 0;
  [[nodiscard]] std::string to_string() const;
  friend auto operator<=>(const SocketAddress&, const SocketAddress&) = default;
};

struct Listener {
  SocketAddress address;
  bool tls = false;
  // Networks whose connections begin with a PROXY header (v1 or v2). From these it is required, from others never read.
  std::vector<base::IpNetwork> proxy_protocol_from;
  friend bool operator==(const Listener&, const Listener&) = default;
};

enum class AccessLog { off, json, text };

struct Admin {
  SocketAddress address;
  std::optional<std::filesystem::path> token_file;  // bearer token; needed for changes when not on loopback
  friend bool operator==(const Admin&, const Admin&) = default;
};

// ---- TLS towards clients

enum class TlsProfile { intermediate, modern };
enum class UnknownName { serve_default, reject };  // reject: the alert unrecognized_name
enum class ClientCertificateMode { off, optional, required };

struct ClientCertificates {
  ClientCertificateMode mode = ClientCertificateMode::off;
  std::filesystem::path ca_certificates;  // PEM bundle, re-read when it changes; empty only when off
  friend bool operator==(const ClientCertificates&, const ClientCertificates&) = default;
};

// What differs for some names.
struct TlsHost {
  std::vector<std::string> hosts;  // lower case; exact or "*.example.com"
  ClientCertificates client_certificates;
  friend bool operator==(const TlsHost&, const TlsHost&) = default;
};

struct Tls {
  TlsProfile profile = TlsProfile::intermediate;
  UnknownName unknown_name = UnknownName::serve_default;
  ClientCertificates client_certificates;  // for all names that no TlsHost names
  std::vector<TlsHost> hosts;
  seconds ticket_rotation{12 * 3600};  // how often a new ticket key comes into use; 0: no tickets
  friend bool operator==(const Tls&, const Tls&) = default;
};

// ---- Certificates

struct FilesCertificate {  // one of: certificate + key; certificate with the key in the same file; pfx
  std::filesystem::path certificate;
  std::filesystem::path key;  // empty: the key is in `certificate`
  std::filesystem::path pfx;
  std::filesystem::path password_file;  // of the pfx; empty: no password
  friend bool operator==(const FilesCertificate&, const FilesCertificate&) = default;
};

struct DirectoryCertificates {  // every pair in it: tls.crt + tls.key, NAME.crt|pem|cer + NAME.key, one PEM with both,
                                // *.pfx|*.p12
  std::filesystem::path directory;
  friend bool operator==(const DirectoryCertificates&, const DirectoryCertificates&) = default;
};

struct CertificateSource {
  std::variant<FilesCertificate, DirectoryCertificates, IssuedCertificate, KeyVaultCertificate> from;
  bool is_default = false;  // served to clients that send no name, or an unknown one; at most one
  friend bool operator==(const CertificateSource&, const CertificateSource&) = default;
};

// ---- Routes

struct PathMatch {
  enum class Kind { prefix, exact };
  Kind kind = Kind::prefix;  // prefix: by whole segments, "/app" matches /app, /app/ and /app/x, not /apple
  std::string path = "/";    // begins with "/"
  friend bool operator==(const PathMatch&, const PathMatch&) = default;
};

struct HeaderMatch {
  enum class Kind { exact, prefix, present, absent };
  std::string name;  // lower case
  Kind kind = Kind::exact;
  std::string value;
  friend bool operator==(const HeaderMatch&, const HeaderMatch&) = default;
};

struct HeaderField {
  std::string name;
  std::string value;
  friend bool operator==(const HeaderField&, const HeaderField&) = default;
};

// Applied in this order: remove, set, add.
struct HeaderChanges {
  std::vector<std::string> remove;
  std::vector<HeaderField> set;
  std::vector<HeaderField> add;
  [[nodiscard]] bool empty() const { return remove.empty() && set.empty() && add.empty(); }
  friend bool operator==(const HeaderChanges&, const HeaderChanges&) = default;
};

struct ToBackend {
  std::string backend;                        // a key of Config::backends
  std::optional<std::string> replace_prefix;  // the matched prefix is replaced by this
  friend bool operator==(const ToBackend&, const ToBackend&) = default;
};

struct Redirect {
  int status = 302;  // 301, 302, 303, 307, 308
  std::optional<std::string> scheme;
  std::optional<std::string> host;
  std::optional<std::uint16_t> port;
  std::optional<std::string> path;            // replaces the whole path; the query is kept
  std::optional<std::string> replace_prefix;  // replaces the matched prefix only
  friend bool operator==(const Redirect&, const Redirect&) = default;
};

struct Respond {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  friend bool operator==(const Respond&, const Respond&) = default;
};

struct Route {
  std::string name;                // unique; for metrics and logs; made from host and path if not given
  std::vector<std::string> hosts;  // lower case, A-label; exact or "*.example.com"; empty: any host
  PathMatch path;
  std::vector<std::string> methods;  // empty: any
  std::vector<HeaderMatch> headers;  // all must match
  std::variant<ToBackend, Redirect, Respond> action;
  bool redirect_to_https = false;  // a request on a plain listener gets 308 to https
  HeaderChanges request_headers;
  HeaderChanges response_headers;
  std::optional<Bytes> body_size;               // instead of Limits::body_size
  std::optional<milliseconds> request_timeout;  // instead of the backend's
  friend bool operator==(const Route&, const Route&) = default;
};

// ---- Backends

struct Endpoint {
  std::string host;  // an IP address or a DNS name (re-resolved by its TTL; every address of it is an endpoint)
  std::uint16_t port = 80;
  unsigned weight = 1;  // 0: gets nothing new
  [[nodiscard]] std::string to_string() const;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

enum class Balance { round_robin, least_requests };
enum class UpstreamProtocol { http1, http2 };  // http2 without TLS is h2c by prior knowledge

struct UpstreamTls {
  bool verify = true;
  std::string server_name;                // SNI and the name verified; empty: the endpoint's host
  std::filesystem::path ca_certificates;  // empty: the system's
  std::filesystem::path client_certificate;
  std::filesystem::path client_key;
  friend bool operator==(const UpstreamTls&, const UpstreamTls&) = default;
};

struct HealthCheck {
  std::string path = "/";
  std::string host;  // of the Host header; empty: the endpoint
  milliseconds interval{5'000};
  milliseconds timeout{2'000};
  unsigned healthy_after = 2;
  unsigned unhealthy_after = 3;
  int status_from = 200;  // inclusive
  int status_to = 399;    // inclusive
  friend bool operator==(const HealthCheck&, const HealthCheck&) = default;
};

// Passive: an endpoint that fails is left out for a while.
struct Ejection {
  unsigned consecutive_failures = 5;  // connect errors, timeouts, 502, 503, 504; 0: never
  milliseconds duration{30'000};
  unsigned at_most_percent = 50;  // of the endpoints; always leaves one
  friend bool operator==(const Ejection&, const Ejection&) = default;
};

struct BackendTimeouts {
  milliseconds connect{5'000};            // TCP and TLS
  milliseconds first_byte{60'000};        // request sent to response head
  milliseconds idle{60'000};              // between two pieces of a body, either way; not for upgraded connections
  milliseconds upgraded_idle{3'600'000};  // WebSockets and other upgrades
  milliseconds request{0};                // the whole exchange; 0: no limit
  friend bool operator==(const BackendTimeouts&, const BackendTimeouts&) = default;
};

// For each worker and backend.
struct BackendLimits {
  unsigned connections = 1024;      // to one endpoint, in use
  unsigned idle_connections = 128;  // to one endpoint, kept for reuse
  milliseconds idle_for{50'000};
  unsigned queue = 1024;  // requests that wait for a connection; more: 503
  milliseconds queue_timeout{5'000};
  friend bool operator==(const BackendLimits&, const BackendLimits&) = default;
};

struct Retries {
  unsigned attempts = 1;         // after the first
  unsigned budget_percent = 20;  // of the requests of the last ten seconds, at least 3
  friend bool operator==(const Retries&, const Retries&) = default;
};

enum class ProxyProtocolOut { off, v1, v2 };

enum class SameSite { lax, strict, none };  // none: Secure as well, for browsers refuse it otherwise

// A client comes back to the endpoint that it had, as long as that one takes requests, by a cookie that says neither
// its address nor how to reach another.
struct AffinityCookie {
  std::string name = "sekisho_affinity";
  std::chrono::seconds max_age{0};  // 0: for as long as the browser runs
  std::string path;                 // empty: the path of the route
  SameSite same_site = SameSite::lax;
  std::optional<bool> secure;  // none: where the client came by https
  // What endpoints are hashed with; whoever serves the same backend has the same. Empty: this process's own. Not in
  // files.
  std::string key;
  friend bool operator==(const AffinityCookie&, const AffinityCookie&) = default;
};

struct Backend {
  std::string name;
  std::vector<Endpoint> endpoints;
  Balance balance = Balance::round_robin;
  UpstreamProtocol protocol = UpstreamProtocol::http1;
  std::optional<UpstreamTls> tls;
  std::string host_header;  // empty: the client's is kept
  std::optional<HealthCheck> health_check;
  Ejection ejection;
  BackendTimeouts timeouts;
  BackendLimits limits;
  Retries retries;
  ProxyProtocolOut proxy_protocol = ProxyProtocolOut::off;
  std::optional<AffinityCookie> affinity;
  friend bool operator==(const Backend&, const Backend&) = default;
};

// ---- What bounds a stranger

struct Limits {
  unsigned header_count = 100;
  Bytes header_size{32 << 10};  // all fields of one message, names and values
  Bytes uri_length{8 << 10};
  Bytes body_size{0};    // 0: no limit
  Bytes body_rate{240};  // a second: the least at which a client may send a request body; 0: no limit
  unsigned streams_per_connection = 128;
  unsigned connections_per_address = 1024;  // for each worker
  unsigned connections = 0;                 // for each worker; 0: what the file descriptor limit allows
  unsigned requests_per_connection = 0;     // 0: no limit
  friend bool operator==(const Limits&, const Limits&) = default;
};

struct Timeouts {
  milliseconds handshake{10'000};  // PROXY header and TLS
  milliseconds header{10'000};     // first byte of a request to the end of its head
  milliseconds body{60'000};       // between two reads of a request body
  milliseconds idle{75'000};       // a connection with no request
  milliseconds write{60'000};      // a client that does not read
  friend bool operator==(const Timeouts&, const Timeouts&) = default;
};

struct Drain {
  milliseconds grace{5'000};      // not ready, still accepting
  milliseconds deadline{30'000};  // after the grace: connections are closed at the end of it
  friend bool operator==(const Drain&, const Drain&) = default;
};

struct Config {
  unsigned workers = 0;  // 0: auto, the CPUs that the cgroup allows
  std::filesystem::path state_directory;
  std::vector<Listener> listeners;
  std::optional<Admin> admin;
  AccessLog access_log = AccessLog::json;
  Tls tls;
  std::vector<CertificateSource> certificates;
  std::map<std::string, Issuer> issuers;
  Azure azure;
  std::vector<Mirror> mirrors;
  std::vector<Route> routes;
  std::map<std::string, Backend> backends;
  std::uint16_t https_port = 443;  // where clients reach TLS, for redirects: not always where a listener is
  std::vector<base::IpNetwork> trusted_proxies;  // whose X-Forwarded-* and Forwarded are believed
  Limits limits;
  Timeouts timeouts;
  Drain drain;
  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace config
