#include "base/openssl.h"

#include <openssl/err.h>

namespace base {

X509Ptr share(X509* certificate) noexcept {
  X509_up_ref(certificate);
  return X509Ptr(certificate);
}

EvpPkeyPtr share(EVP_PKEY* key) noexcept {
  EVP_PKEY_up_ref(key);
  return EvpPkeyPtr(key);
}

std::string take_openssl_error() {
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  if (error == 0) return "unknown error";
  const char* reason = ERR_reason_error_string(error);
  return reason != nullptr ? reason : "error " + std::to_string(error);
}

}  // namespace base
