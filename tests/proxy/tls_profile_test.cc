#include "proxy/tls_profile.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

namespace proxy {
namespace {

using nlohmann::json;

// What a context that got the profile puts on the wire: its ClientHello, as another OpenSSL reads it.
struct Offer {
  std::vector<std::string> versions, tls13_suites, tls12_ciphers, groups;
};

std::vector<std::uint16_t> numbers(SSL* ssl, unsigned extension, std::size_t prefix) {
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  std::vector<std::uint16_t> found;
  if (SSL_client_hello_get0_ext(ssl, extension, &bytes, &size) != 1) return found;
  for (std::size_t at = prefix; at + 1 < size; at += 2) {
    found.push_back(static_cast<std::uint16_t>(bytes[at] << 8U | bytes[at + 1]));
  }
  return found;
}

int note_offer(SSL* ssl, int* /*alert*/, void* into) {
  auto& offer = *static_cast<Offer*>(into);
  static const std::map<std::uint16_t, std::string> version_names{
      {0x301, "TLSv1"}, {0x302, "TLSv1.1"}, {0x303, "TLSv1.2"}, {0x304, "TLSv1.3"}};
  static const std::map<std::uint16_t, std::string> group_names{
      {0x1d, "X25519"}, {0x17, "prime256v1"}, {0x18, "secp384r1"}};
  const auto name = [](const std::map<std::uint16_t, std::string>& names, std::uint16_t number) {
    const auto found = names.find(number);
    return found != names.end() ? found->second : std::to_string(number);
  };
  for (const auto version : numbers(ssl, TLSEXT_TYPE_supported_versions, 1)) {
    offer.versions.insert(offer.versions.begin(), name(version_names, version));
  }
  for (const auto group : numbers(ssl, TLSEXT_TYPE_supported_groups, 2))
    offer.groups.push_back(name(group_names, group));
  const unsigned char* bytes = nullptr;
  const std::size_t size = SSL_client_hello_get0_ciphers(ssl, &bytes);
  for (std::size_t at = 0; at + 1 < size; at += 2) {
    const SSL_CIPHER* cipher = SSL_CIPHER_find(ssl, bytes + at);
    constexpr std::uint16_t renegotiation_info = 0xff;  // TLS_EMPTY_RENEGOTIATION_INFO_SCSV is a signal, no cipher
    if (cipher == nullptr || SSL_CIPHER_get_protocol_id(cipher) == renegotiation_info) continue;
    const bool tls13 = std::string_view(SSL_CIPHER_get_version(cipher)) == "TLSv1.3";
    (tls13 ? offer.tls13_suites : offer.tls12_ciphers).emplace_back(SSL_CIPHER_get_name(cipher));
  }
  return SSL_CLIENT_HELLO_ERROR;  // nothing more is wanted
}

Offer offer_of(config::TlsProfile profile) {
  const base::SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  apply_profile(context.get(), tls_profile(profile));
  const base::SslPtr speaker(SSL_new(context.get()));
  SSL_set_connect_state(speaker.get());
  Offer offer;
  const base::SslCtxPtr listening(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_client_hello_cb(listening.get(), note_offer, &offer);
  const base::SslPtr listener(SSL_new(listening.get()));
  SSL_set_accept_state(listener.get());
  BIO* one = nullptr;
  BIO* other = nullptr;
  BIO_new_bio_pair(&one, 0, &other, 0);
  SSL_set_bio(speaker.get(), one, one);
  SSL_set_bio(listener.get(), other, other);
  (void)SSL_do_handshake(speaker.get());
  (void)SSL_do_handshake(listener.get());
  return offer;
}

json golden(const char* profile) {
  std::ifstream file(SEKISHO_SOURCE_DIR "/tests/data/tls_profiles.json");
  return json::parse(file).at(profile);
}

void expect_golden(config::TlsProfile profile, const char* name) {
  const Offer offer = offer_of(profile);
  const json wanted = golden(name);
  EXPECT_EQ(json(offer.versions), wanted.at("versions"));
  EXPECT_EQ(json(offer.tls13_suites), wanted.at("tls13_suites"));
  EXPECT_EQ(json(offer.tls12_ciphers), wanted.at("tls12_ciphers"));
  EXPECT_EQ(json(offer.groups), wanted.at("groups"));
}

TEST(TlsProfile, IntermediateIsWhatTheGoldenFileSays) {
  expect_golden(config::TlsProfile::intermediate, "intermediate");
}

TEST(TlsProfile, ModernIsWhatTheGoldenFileSays) {
  expect_golden(config::TlsProfile::modern, "modern");
}

TEST(TlsProfile, AServerRefusesWhatIsOlder) {
  for (const auto profile : {config::TlsProfile::intermediate, config::TlsProfile::modern}) {
    const base::SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
    apply_profile(context.get(), tls_profile(profile));
    const bool modern = profile == config::TlsProfile::modern;
    EXPECT_EQ(SSL_CTX_get_min_proto_version(context.get()), modern ? TLS1_3_VERSION : TLS1_2_VERSION);
    EXPECT_EQ(SSL_CTX_get_max_proto_version(context.get()), 0) << "as new as OpenSSL can";
  }
}

}  // namespace
}  // namespace proxy
