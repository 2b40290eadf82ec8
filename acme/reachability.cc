#include "acme/reachability.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "acme/tls_reach.h"
#include "base/ascii.h"
#include "base/http_client.h"
#include "base/openssl.h"

namespace acme {
namespace {

using Asn1ObjectPtr = std::unique_ptr<ASN1_OBJECT, base::Freed<ASN1_OBJECT_free>>;

constexpr std::size_t longest_answer = 16U << 10U;
constexpr std::string_view alpn_protocol =
    "\x0a"
    "acme-tls/1";  // RFC 7301 §3.1: length first

std::string text_of(const ReachTarget& target) {
  return target.address.is_v4() ? fmt::format("{}:{}", target.address.to_string(), target.port)
                                : fmt::format("[{}]:{}", target.address.to_string(), target.port);
}

// What a stranger's server says, fit for a log.
std::string shown(std::string_view text) {
  std::string cut(text.substr(0, 120));
  for (char& c : cut) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  }
  return cut;
}

Reached not_reached(const ReachTarget& target, std::string_view why) {
  return {Reached::How::not_reached, fmt::format("{}: {}", text_of(target), why)};
}

Reached other(const ReachTarget& target, std::string_view what) {
  return {Reached::How::other, fmt::format("{}: {}", text_of(target), what)};
}

// RFC 8737 §3: the extension's value is an OCTET STRING of the digest.
bool shows_digest(const X509* certificate, std::string_view key_authorization) {
  std::array<unsigned char, 34> expected{0x04, 0x20};
  EVP_Q_digest(nullptr, "SHA256", nullptr, key_authorization.data(), key_authorization.size(), expected.data() + 2,
               nullptr);
  const Asn1ObjectPtr type(OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1));
  const int at = X509_get_ext_by_OBJ(certificate, type.get(), -1);
  if (at < 0) return false;
  const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(X509_get_ext(certificate, at));
  return ASN1_STRING_length(value) == static_cast<int>(expected.size()) &&
         std::memcmp(ASN1_STRING_get0_data(value), expected.data(), expected.size()) == 0;
}

base::Result<base::SslPtr> client_for(const ReachTarget& target, int socket) {
  const base::SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  base::SslPtr ssl(context ? SSL_new(context.get()) : nullptr);
  const std::string server_name = target.identifier.alpn_server_name();
  // A challenge certificate signed itself: only what it says is looked at.
  if (!ssl || SSL_set_min_proto_version(ssl.get(), TLS1_2_VERSION) != 1 ||
      SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(alpn_protocol.data()),
                          static_cast<unsigned>(alpn_protocol.size())) != 0 ||
      SSL_set_tlsext_host_name(ssl.get(), server_name.c_str()) != 1 || SSL_set_fd(ssl.get(), socket) != 1) {
    return base::fail(base::Code::internal, base::take_openssl_error());
  }
  return ssl;
}

}  // namespace

Reached reach_http01(const ReachTarget& target, const std::string& token, const std::string& key_authorization,
                     const std::stop_token& stop) {
  base::HttpRequest request;
  request.url = fmt::format("http://{}/.well-known/acme-challenge/{}", text_of(target), token);
  // RFC 8555 §8.3: the Host header is the name; a port of a test CA's is part of it.
  const bool v6 = target.identifier.value.find(':') != std::string::npos;
  const std::string host = v6 ? "[" + target.identifier.value + "]" : target.identifier.value;
  request.headers = {{"Host", target.port == 80 ? host : fmt::format("{}:{}", host, target.port)}};
  request.timeout = target.timeout;
  request.body_limit = longest_answer;
  request.proxy = base::HttpRequest::Proxy::none;
  const auto response = base::HttpClient().send(request, stop);
  if (!response) {
    const bool answered =
        response.error().code == base::Code::too_large || response.error().code == base::Code::protocol;
    return answered ? other(target, "answers something else: " + shown(response.error().what))
                    : not_reached(target, shown(response.error().what));
  }
  if (response->status >= 300 && response->status < 400) {
    return not_reached(target, fmt::format("redirects to {}, which the CA follows and this look does not",
                                           shown(response->header("location"))));
  }
  // RFC 8555 §8.3: white space at the end is left out of account.
  if (response->status == 200 && base::trimmed_end(response->body) == key_authorization)
    return {Reached::How::ours, text_of(target)};
  return other(target, fmt::format("answers with status {} and not with our token", response->status));
}

Reached reach_tls_alpn01(const ReachTarget& target, const std::string& key_authorization, const std::stop_token& stop) {
  base::StoppableWait wait(std::chrono::steady_clock::now() + target.timeout, stop);
  const auto socket = connect_to(target.address, target.port, wait);
  if (!socket) return not_reached(target, socket.error().what);
  const auto ssl = client_for(target, socket->number());
  if (!ssl) return not_reached(target, ssl.error().what);
  if (const auto shaken = shake_hands(ssl->get(), socket->number(), wait); !shaken) {
    return shaken.error().code == base::Code::tls
               ? other(target, "does not take part in a handshake for acme-tls/1: " + shown(shaken.error().what))
               : not_reached(target, shaken.error().what);
  }
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl->get(), &protocol, &size);
  const X509* certificate = SSL_get0_peer_certificate(ssl->get());
  const bool spoken = size == alpn_protocol.size() - 1 && std::memcmp(protocol, alpn_protocol.data() + 1, size) == 0;
  if (!spoken) return other(target, "does not speak acme-tls/1");
  if (certificate == nullptr || !shows_digest(certificate, key_authorization)) {
    return other(target, "shows another challenge certificate than ours");
  }
  return {Reached::How::ours, text_of(target)};
}

}  // namespace acme
