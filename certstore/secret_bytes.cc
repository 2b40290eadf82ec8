#include "certstore/secret_bytes.h"

#include "base/openssl.h"

namespace certstore {

void wipe(void* memory, std::size_t size) noexcept {
  OPENSSL_cleanse(memory, size);
}

}  // namespace certstore
