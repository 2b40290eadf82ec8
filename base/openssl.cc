#include "base/openssl.h"

#include <system_error>

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
  unsigned long error = ERR_peek_last_error();
  // What the operating system said lies below a "system lib" that says nothing.
  while (const unsigned long next = ERR_get_error()) {
    if (ERR_SYSTEM_ERROR(next)) error = next;
  }
  if (error == 0) return "unknown error";
  if (ERR_SYSTEM_ERROR(error)) return std::generic_category().message(ERR_GET_REASON(error));
  const char* reason = ERR_reason_error_string(error);
  return reason != nullptr ? reason : "error " + std::to_string(error);
}

}  // namespace base
