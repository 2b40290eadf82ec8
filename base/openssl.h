// Ownership of OpenSSL objects, and its error queue as text. With proxy/tls_*, certstore/certificate.*,
// certstore/ticket_keys.* and acme/jws.* the only place that includes OpenSSL headers.
#pragma once

#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace base {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* pointer) const noexcept {
    Free(pointer);
  }
};

using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using EvpPkeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using EvpPkeyCtxPtr = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;
using X509StorePtr = std::unique_ptr<X509_STORE, Freed<X509_STORE_free>>;
using X509ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using Pkcs12Ptr = std::unique_ptr<PKCS12, Freed<PKCS12_free>>;
using SslCtxPtr = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Freed<SSL_free>>;
using EvpCipherPtr = std::unique_ptr<EVP_CIPHER, Freed<EVP_CIPHER_free>>;

// A new reference to the same object.
[[nodiscard]] X509Ptr share(X509* certificate) noexcept;
[[nodiscard]] EvpPkeyPtr share(EVP_PKEY* key) noexcept;

// The newest entry of this thread's OpenSSL error queue as text, and empties the queue. "unknown error" if it is empty.
[[nodiscard]] std::string take_openssl_error();

}  // namespace base
