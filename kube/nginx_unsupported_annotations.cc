// ingress-nginx's annotations that are known and do nothing here, and what to do instead.
#include "kube/annotations.h"

namespace kube {
namespace {

constexpr auto inert = AnnotationRow::Support::inert;
constexpr auto unsupported = AnnotationRow::Support::unsupported;
constexpr auto guard = AnnotationRow::Support::guard;

constexpr std::string_view restrict_elsewhere =
    "restrict addresses in the network (NetworkPolicy, loadBalancerSourceRanges of the Service) and remove it; it "
    "comes with traffic policies";
constexpr std::string_view log_in_elsewhere =
    "let the application or a proxy beside it ask for the log-in; it comes with traffic policies";
constexpr std::string_view client_certificates = "name the host and its CA under tls.hosts in the configuration";
constexpr std::string_view passthrough = "publish the backend by a Service of type LoadBalancer";
constexpr std::string_view policies = "it comes with traffic policies";
constexpr std::string_view canaries =
    "the Ingress that is marked as a canary is left out; it comes with traffic policies";
constexpr std::string_view backend_tls =
    "name the backend in the configuration, where its CA and certificate are files; it comes with traffic policies";
constexpr std::string_view streams = "bodies are passed on as they come, and never kept";
constexpr std::string_view snippets =
    "text of nginx's configuration means nothing here; use the annotation for what it does, or the configuration file";
constexpr std::string_view waf = "there is no firewall for applications in here; put one in front or behind";
constexpr std::string_view tracing = "tracing is no matter of one Ingress";
constexpr std::string_view mirroring = "copies of requests are not sent; use a proxy beside the application";
constexpr std::string_view own_links = "let the application know its public name and path";

constexpr AnnotationRow rows[] = {
    {"whitelist-source-range", guard, nullptr, restrict_elsewhere},
    {"allowlist-source-range", guard, nullptr, restrict_elsewhere},
    {"denylist-source-range", guard, nullptr, restrict_elsewhere},
    {"auth-url", guard, nullptr, log_in_elsewhere},
    {"auth-type", guard, nullptr, log_in_elsewhere},
    {"auth-secret", guard, nullptr, log_in_elsewhere},
    {"auth-tls-secret", guard, nullptr, client_certificates},
    {"enable-global-auth", guard, nullptr, log_in_elsewhere},
    {"auth-tls-verify-client", unsupported, nullptr, client_certificates},
    {"auth-tls-verify-depth", unsupported, nullptr, client_certificates},
    {"auth-tls-error-page", unsupported, nullptr, client_certificates},
    {"auth-tls-pass-certificate-to-upstream", unsupported, nullptr, client_certificates},
    {"auth-tls-match-cn", unsupported, nullptr, client_certificates},
    {"auth-signin", unsupported, nullptr, log_in_elsewhere},
    {"auth-signin-redirect-param", unsupported, nullptr, log_in_elsewhere},
    {"auth-response-headers", unsupported, nullptr, log_in_elsewhere},
    {"auth-method", unsupported, nullptr, log_in_elsewhere},
    {"auth-secret-type", unsupported, nullptr, log_in_elsewhere},
    {"auth-realm", unsupported, nullptr, log_in_elsewhere},
    {"auth-request-redirect", unsupported, nullptr, log_in_elsewhere},
    {"auth-cache-key", unsupported, nullptr, log_in_elsewhere},
    {"auth-cache-duration", unsupported, nullptr, log_in_elsewhere},
    {"auth-keepalive", unsupported, nullptr, log_in_elsewhere},
    {"auth-keepalive-share-vars", unsupported, nullptr, log_in_elsewhere},
    {"auth-keepalive-requests", unsupported, nullptr, log_in_elsewhere},
    {"auth-keepalive-timeout", unsupported, nullptr, log_in_elsewhere},
    {"auth-always-set-cookie", unsupported, nullptr, log_in_elsewhere},
    {"auth-proxy-set-headers", unsupported, nullptr, log_in_elsewhere},
    {"satisfy", unsupported, nullptr, log_in_elsewhere},
    {"ssl-passthrough", guard, nullptr, passthrough},
    {"enable-cors", unsupported, nullptr, policies},
    {"cors-allow-origin", unsupported, nullptr, policies},
    {"cors-allow-methods", unsupported, nullptr, policies},
    {"cors-allow-headers", unsupported, nullptr, policies},
    {"cors-allow-credentials", unsupported, nullptr, policies},
    {"cors-expose-headers", unsupported, nullptr, policies},
    {"cors-max-age", unsupported, nullptr, policies},
    {"canary-weight", unsupported, nullptr, canaries},
    {"canary-weight-total", unsupported, nullptr, canaries},
    {"canary-by-header", unsupported, nullptr, canaries},
    {"canary-by-header-value", unsupported, nullptr, canaries},
    {"canary-by-header-pattern", unsupported, nullptr, canaries},
    {"canary-by-cookie", unsupported, nullptr, canaries},
    {"limit-rps", unsupported, nullptr, policies},
    {"limit-rpm", unsupported, nullptr, policies},
    {"limit-connections", unsupported, nullptr, policies},
    {"limit-burst-multiplier", unsupported, nullptr, policies},
    {"limit-rate", unsupported, nullptr, policies},
    {"limit-rate-after", unsupported, nullptr, policies},
    {"limit-allowlist", unsupported, nullptr, policies},
    {"limit-whitelist", unsupported, nullptr, policies},
    {"upstream-hash-by", unsupported, nullptr, policies},
    {"upstream-hash-by-subset", unsupported, nullptr, policies},
    {"upstream-hash-by-subset-size", unsupported, nullptr, policies},
    {"custom-http-errors", unsupported, nullptr, policies},
    {"default-backend", unsupported, nullptr, policies},
    {"disable-proxy-intercept-errors", unsupported, nullptr, policies},
    {"custom-headers", unsupported, nullptr, policies},
    {"proxy-ssl-secret", unsupported, nullptr, backend_tls},
    {"proxy-ssl-ciphers", unsupported, nullptr, backend_tls},
    {"proxy-ssl-protocols", unsupported, nullptr, backend_tls},
    {"proxy-ssl-server-name", inert, nullptr, "the name is always sent"},
    {"proxy-ssl-verify-depth", inert, nullptr, "the whole chain is verified"},
    {"proxy-buffering", inert, nullptr, streams},
    {"proxy-request-buffering", inert, nullptr, streams},
    {"proxy-buffers-number", inert, nullptr, streams},
    {"proxy-buffer-size", inert, nullptr, streams},
    {"proxy-busy-buffers-size", inert, nullptr, streams},
    {"proxy-max-temp-file-size", inert, nullptr, streams},
    {"client-body-buffer-size", inert, nullptr, streams},
    {"proxy-http-version", inert, nullptr, "backends are spoken to in HTTP/1.1, or HTTP/2 as backend-protocol says"},
    {"proxy-next-upstream-timeout", unsupported, nullptr,
     "proxy-next-upstream-tries bounds the tries, and a budget all of them"},
    {"enable-access-log", unsupported, nullptr,
     "the access log is switched for all, by access_log in the configuration"},
    {"enable-rewrite-log", unsupported, nullptr,
     "the access log is switched for all, by access_log in the configuration"},
    {"configuration-snippet", unsupported, nullptr, snippets},
    {"server-snippet", unsupported, nullptr, snippets},
    {"auth-snippet", unsupported, nullptr, snippets},
    {"stream-snippet", unsupported, nullptr, snippets},
    {"enable-modsecurity", unsupported, nullptr, waf},
    {"enable-owasp-core-rules", unsupported, nullptr, waf},
    {"modsecurity-transaction-id", unsupported, nullptr, waf},
    {"modsecurity-snippet", unsupported, nullptr, waf},
    {"enable-opentelemetry", unsupported, nullptr, tracing},
    {"opentelemetry-trust-incoming-span", unsupported, nullptr, tracing},
    {"opentelemetry-operation-name", unsupported, nullptr, tracing},
    {"enable-opentracing", unsupported, nullptr, tracing},
    {"opentracing-trust-incoming-span", unsupported, nullptr, tracing},
    {"mirror-target", unsupported, nullptr, mirroring},
    {"mirror-request-body", unsupported, nullptr, mirroring},
    {"mirror-host", unsupported, nullptr, mirroring},
    {"proxy-cookie-domain", unsupported, nullptr, own_links},
    {"proxy-cookie-path", unsupported, nullptr, own_links},
    {"proxy-redirect-from", unsupported, nullptr, own_links},
    {"proxy-redirect-to", unsupported, nullptr, own_links},
    {"http2-push-preload", inert, nullptr, "HTTP/2 push is gone from browsers"},
    {"preserve-trailing-slash", inert, nullptr, "a redirect to https keeps the path as it was sent"},
    {"ssl-ciphers", unsupported, nullptr, "choose a TLS profile in the configuration"},
    {"ssl-prefer-server-ciphers", unsupported, nullptr, "choose a TLS profile in the configuration"},
    {"secure-verify-ca-secret", unsupported, nullptr, backend_tls},
    {"connection-proxy-header", unsupported, nullptr,
     "the Connection field is between two neighbours and never passed on"},
    {"relative-redirects", unsupported, nullptr, "redirects name the whole URL"},
};

}  // namespace

AnnotationRows nginx_unsupported_annotations() {
  return rows;
}

}  // namespace kube
