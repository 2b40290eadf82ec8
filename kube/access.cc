#include "kube/access.h"

#include <string_view>

#include "base/http_url.h"

namespace kube {

base::HttpRequest Connection::request(const std::string& path) const {
  base::HttpRequest request;
  request.url = server + path;
  if (const auto url = base::parse_http_url(server); url && !tls_server_name.empty()) {
    const std::string host(url->host().empty() ? url->authority : url->host());
    std::string port(url->authority.substr(host.size()));
    if (port.empty()) port = url->secure ? ":443" : ":80";
    request.url = (url->secure ? "https://" : "http://") + tls_server_name + port + std::string(url->rest) + path;
    request.connect_to = host + port;
    request.headers.push_back({"Host", std::string(url->authority)});
  }
  request.ca_pem = ca_pem;
  request.client_certificate_pem = client_certificate_pem;
  request.client_key_pem = client_key_pem;
  request.proxy_url = proxy_url;
  request.proxy = proxy;
  request.verification = verification;
  if (!token.empty()) request.headers.push_back({"Authorization", "Bearer " + token});
  return request;
}

}  // namespace kube
