#include "kube/access.h"

namespace kube {
namespace {

struct Authority {
  std::string scheme;  // "https://"
  std::string host;
  std::string port;  // ":6443"; may be empty
  std::string path;  // what follows
};

Authority parts_of(const std::string& server) {
  Authority parts;
  const auto scheme = server.find("://");
  const auto begin = scheme == std::string::npos ? 0 : scheme + 3;
  parts.scheme = server.substr(0, begin);
  const auto end = std::min(server.find('/', begin), server.size());
  const std::string authority = server.substr(begin, end - begin);
  parts.path = server.substr(end);
  const auto bracket = authority.rfind(']');
  const auto colon = authority.find(':', bracket == std::string::npos ? 0 : bracket);
  parts.host = authority.substr(0, colon);
  if (colon != std::string::npos) parts.port = authority.substr(colon);
  return parts;
}

}  // namespace

base::HttpRequest Connection::request(const std::string& path) const {
  base::HttpRequest request;
  request.url = server + path;
  if (!tls_server_name.empty()) {
    const Authority parts = parts_of(server);
    const std::string port = !parts.port.empty() ? parts.port : parts.scheme == "http://" ? ":80" : ":443";
    request.url = parts.scheme + tls_server_name + port + parts.path + path;
    request.connect_to = parts.host + port;
    request.headers.push_back({"Host", parts.host + parts.port});
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
