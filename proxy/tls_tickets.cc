#include "proxy/tls_tickets.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "proxy/tls_context.h"

namespace proxy {
namespace {

// Fetched once: looking an algorithm up costs as much as using it.
const EVP_CIPHER* aes_256_cbc() noexcept {
  static const base::EvpCipherPtr cipher(EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr));
  return cipher.get();
}

int prepare_mac(EVP_MAC_CTX* mac, const certstore::TicketKey& key) noexcept {
  std::array<char, 7> digest{"SHA256"};
  const std::array<OSSL_PARAM, 3> parameters{
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<std::uint8_t*>(key.hmac.data()),
                                        key.hmac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0), OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters.data());
}

int seal(const certstore::TicketKeySet& keys, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
         EVP_MAC_CTX* mac) noexcept {
  const certstore::TicketKey& key = keys.keys[keys.current];
  if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(aes_256_cbc())) != 1) return -1;
  std::ranges::copy(key.name, name);
  if (EVP_EncryptInit_ex(cipher, aes_256_cbc(), nullptr, key.aes.data(), iv) != 1) return -1;
  return prepare_mac(mac, key) == 1 ? 1 : -1;
}

enum class Renew { if_sealed_with_an_old_key, always };

int open(const certstore::TicketKeySet& keys, const unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
         EVP_MAC_CTX* mac, Renew renew) noexcept {
  const auto found = std::ranges::find_if(
      keys.keys, [&](const certstore::TicketKey& key) { return std::equal(key.name.begin(), key.name.end(), name); });
  if (found == keys.keys.end()) return 0;  // a full handshake, no alarm
  if (EVP_DecryptInit_ex(cipher, aes_256_cbc(), nullptr, found->aes.data(), iv) != 1) return -1;
  if (prepare_mac(mac, *found) != 1) return -1;
  // 2: the client gets a new ticket, sealed with the current key.
  const bool old = found != keys.keys.begin() + static_cast<std::ptrdiff_t>(keys.current);
  return old || renew == Renew::always ? 2 : 1;
}

int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
              int sealing) noexcept {
  const auto& keys = handshake_of(ssl).snapshot->ticket_keys;
  if (keys == nullptr || keys->keys.empty()) return 0;
  if (sealing != 0) return seal(*keys, name, iv, cipher, mac);
  // RFC 8446 §C.4: clients use a ticket once, so every connection has to bring the next one.
  const Renew renew = SSL_version(ssl) == TLS1_3_VERSION ? Renew::always : Renew::if_sealed_with_an_old_key;
  return open(*keys, name, iv, cipher, mac, renew);
}

}  // namespace

void install_ticket_keys(SSL_CTX* context) {
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
  // OpenSSL's two after a full handshake would make it 6 % dearer (docs/adr/0006-what-an-operation-costs.md). Each
  // connection brings one for the next.
  SSL_CTX_set_num_tickets(context, 1);
}

}  // namespace proxy
