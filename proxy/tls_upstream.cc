#include "proxy/tls_upstream.h"

#include <algorithm>
#include <tuple>

#include "base/ip_network.h"
#include "proxy/tls_profile.h"

namespace proxy {
namespace {

base::Result<void> trust(SSL_CTX* context, const std::filesystem::path& bundle) {
  const int loaded =
      bundle.empty() ? SSL_CTX_set_default_verify_paths(context) : SSL_CTX_load_verify_file(context, bundle.c_str());
  if (loaded == 1) return {};
  return base::fail(base::Code::invalid, bundle.string() + ": " + base::take_openssl_error());
}

base::Result<void> identify(SSL_CTX* context, const config::UpstreamTls& wanted) {
  if (wanted.client_certificate.empty()) return {};
  const std::string key = wanted.client_key.empty() ? wanted.client_certificate : wanted.client_key;
  if (SSL_CTX_use_certificate_chain_file(context, wanted.client_certificate.c_str()) != 1) {
    return base::fail(base::Code::invalid, wanted.client_certificate.string() + ": " + base::take_openssl_error());
  }
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return base::fail(base::Code::invalid, key + ": " + base::take_openssl_error());
  }
  return {};
}

}  // namespace

base::Result<std::shared_ptr<const UpstreamTlsMaterial>> UpstreamTlsMaterial::load(const config::UpstreamTls& wanted) {
  auto material = std::make_shared<UpstreamTlsMaterial>();
  material->wanted_ = wanted;
  material->context_.reset(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  SSL_CTX* context = material->context_.get();
  apply_profile(context, tls_profile(config::TlsProfile::intermediate));
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  if (wanted.verify) {
    if (auto trusted = trust(context, wanted.ca_certificates); !trusted) return std::unexpected(trusted.error());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }
  if (auto identified = identify(context, wanted); !identified) return std::unexpected(identified.error());
  return material;
}

std::shared_ptr<const UpstreamTlsMaterial> UpstreamTlsMaterial::with_name_of(const config::UpstreamTls& wanted) const {
  auto named = std::make_shared<UpstreamTlsMaterial>(*this);
  named->wanted_.server_name = wanted.server_name;
  return named;
}

bool UpstreamTlsMaterials::ByText::operator()(const config::UpstreamTls& a, const config::UpstreamTls& b) const {
  const auto all = [](const config::UpstreamTls& one) {
    return std::tie(one.verify, one.server_name, one.ca_certificates, one.client_certificate, one.client_key);
  };
  return all(a) < all(b);
}

base::Result<std::shared_ptr<const UpstreamTlsMaterial>> UpstreamTlsMaterials::load(const config::UpstreamTls& wanted) {
  config::UpstreamTls nameless = wanted;
  nameless.server_name.clear();
  if (count_ >= tidy_at_) tidy();
  auto& named = known_[nameless];
  auto& place = named[wanted];
  if (auto there = place.lock()) return there;
  ++count_;
  for (const auto& [other, material] : named) {
    const auto there = material.lock();
    if (there == nullptr) continue;
    auto same_trust = there->with_name_of(wanted);
    place = same_trust;
    return same_trust;
  }
  auto loaded = UpstreamTlsMaterial::load(wanted);
  if (loaded) place = *loaded;
  return loaded;
}

void UpstreamTlsMaterials::tidy() {
  count_ = 0;
  for (auto& [nameless, named] : known_) {
    std::erase_if(named, [](const auto& entry) { return entry.second.expired(); });
    count_ += named.size();
  }
  std::erase_if(known_, [](const auto& entry) { return entry.second.empty(); });
  tidy_at_ = std::max<std::size_t>(64, 2 * count_);
}

base::SslPtr UpstreamTlsMaterial::new_client(const std::string& host, Protocol protocol) const {
  static constexpr unsigned char h1[] = "\x08http/1.1";
  static constexpr unsigned char h2[] = "\x02h2";
  base::SslPtr ssl(SSL_new(context_.get()));
  if (ssl == nullptr) return ssl;
  SSL_set_connect_state(ssl.get());
  const std::string& name = wanted_.server_name.empty() ? host : wanted_.server_name;
  if (base::IpAddress::parse(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), name.c_str());  // RFC 6066 §3: no SNI for addresses
  } else {
    SSL_set_tlsext_host_name(ssl.get(), name.c_str());
    SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(ssl.get(), name.c_str());
  }
  if (protocol == Protocol::h2) {
    SSL_set_alpn_protos(ssl.get(), h2, sizeof h2 - 1);
  } else {
    SSL_set_alpn_protos(ssl.get(), h1, sizeof h1 - 1);
  }
  return ssl;
}

std::string explain_verification(const SSL* ssl, const std::string& otherwise) {
  const long result = SSL_get_verify_result(ssl);
  return result == X509_V_OK ? otherwise : std::string("certificate: ") + X509_verify_cert_error_string(result);
}

}  // namespace proxy
