#include "certstore/pfx.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/openssl.h"

namespace certstore {
namespace {

using Pkcs8Ptr = std::unique_ptr<PKCS8_PRIV_KEY_INFO, base::Freed<PKCS8_PRIV_KEY_INFO_free>>;
using ProviderPtr = std::unique_ptr<OSSL_PROVIDER, base::Freed<OSSL_PROVIDER_unload>>;
using LibraryPtr = std::unique_ptr<OSSL_LIB_CTX, base::Freed<OSSL_LIB_CTX_free>>;

// About a second of work. Tools write 2,000 to 600,000; a file that asks for billions would stop the control plane.
constexpr long most_iterations = 1'000'000;

struct StackFree {
  void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_pop_free(stack, X509_free); }
};
using X509StackPtr = std::unique_ptr<STACK_OF(X509), StackFree>;

struct Parsed {
  base::EvpPkeyPtr key;
  base::X509Ptr leaf;
  X509StackPtr others;
};

// The old ciphers live in a library context of their own, so that nothing else in the process can come to use them.
class LegacyLibrary {
 public:
  LegacyLibrary()
      : library_(OSSL_LIB_CTX_new()),
        default_(OSSL_PROVIDER_load(library_.get(), "default")),
        legacy_(OSSL_PROVIDER_load(library_.get(), "legacy")) {}
  [[nodiscard]] bool available() const noexcept { return default_ != nullptr && legacy_ != nullptr; }
  [[nodiscard]] OSSL_LIB_CTX* get() const noexcept { return library_.get(); }

 private:
  LibraryPtr library_;
  ProviderPtr default_;
  ProviderPtr legacy_;
};

base::Pkcs12Ptr decode(const SecretBytes& bytes, OSSL_LIB_CTX* library) {
  PKCS12* pfx = PKCS12_init_ex(NID_pkcs7_data, library, nullptr);
  const unsigned char* data = bytes.data();
  if (pfx == nullptr || d2i_PKCS12(&pfx, &data, static_cast<long>(bytes.size())) == nullptr) return nullptr;
  return base::Pkcs12Ptr(pfx);
}

bool is_affordable(const PKCS12* pfx) {
  const ASN1_INTEGER* iterations = nullptr;
  PKCS12_get0_mac(nullptr, nullptr, nullptr, &iterations, pfx);
  return iterations == nullptr || (ASN1_INTEGER_get(iterations) > 0 && ASN1_INTEGER_get(iterations) <= most_iterations);
}

base::Result<Parsed> open(PKCS12* pfx, const std::string& password) {
  EVP_PKEY* key = nullptr;
  X509* leaf = nullptr;
  STACK_OF(X509)* others = nullptr;
  const int done = PKCS12_parse(pfx, password.c_str(), &key, &leaf, &others);
  Parsed parsed{base::EvpPkeyPtr(key), base::X509Ptr(leaf), X509StackPtr(others)};
  if (done == 1) return parsed;
  const bool wrong_password = ERR_GET_REASON(ERR_peek_last_error()) == PKCS12_R_MAC_VERIFY_FAILURE;
  const std::string reason = base::take_openssl_error();
  if (wrong_password) return base::fail(base::Code::refused, "the password does not open the PFX");
  return base::fail(base::Code::invalid, "the PFX cannot be read: " + reason);
}

template <auto Encode, class T>
SecretBytes encoded(const T* object) {
  const int size = Encode(object, nullptr);
  if (size <= 0) return {};
  SecretBytes bytes(static_cast<std::size_t>(size));
  unsigned char* out = bytes.data();
  Encode(object, &out);
  return bytes;
}

PemContents contents_of(const Parsed& parsed) {
  PemContents contents;
  if (parsed.leaf) contents.certificates.push_back(encoded<i2d_X509>(parsed.leaf.get()));
  for (int i = 0; i < sk_X509_num(parsed.others.get()) && contents.certificates.size() < most_pem_blocks; ++i) {
    contents.certificates.push_back(encoded<i2d_X509>(sk_X509_value(parsed.others.get(), i)));
  }
  if (parsed.key) {
    if (const Pkcs8Ptr pkcs8{EVP_PKEY2PKCS8(parsed.key.get())}) {
      contents.keys.push_back({encoded<i2d_PKCS8_PRIV_KEY_INFO>(pkcs8.get()), KeyLayout::pkcs8});
    }
  }
  ERR_clear_error();
  return contents;
}

// The bytes of the file, out of base64 if they are in it.
SecretBytes binary(std::string_view pfx) {
  SecretBytes plain(pfx.begin(), pfx.end());
  if (!pfx.starts_with("MI")) return plain;  // base64 of a SEQUENCE of more than 127 bytes
  std::erase_if(plain, [](std::uint8_t c) { return c == '\n' || c == '\r' || c == ' '; });
  SecretBytes decoded(plain.size() / 4 * 3 + 3);
  const int size = EVP_DecodeBlock(decoded.data(), plain.data(), static_cast<int>(plain.size()));
  decoded.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return decoded;
}

}  // namespace

base::Result<PemContents> read_pfx(std::string_view pfx, std::string_view password) {
  const SecretBytes bytes = binary(pfx);
  std::string terminated(password);
  const WipedAtEnd wiped(terminated);
  const base::Pkcs12Ptr decoded = decode(bytes, nullptr);
  if (!decoded) {
    ERR_clear_error();
    return base::fail(base::Code::invalid, "this is no PFX, or a damaged one");
  }
  if (!is_affordable(decoded.get())) {
    return base::fail(base::Code::invalid, "the PFX asks for more than 1000000 rounds of password hashing");
  }
  auto parsed = open(decoded.get(), terminated);
  if (!parsed && parsed.error().code == base::Code::invalid) {
    static const LegacyLibrary legacy;
    if (!legacy.available()) return std::unexpected(std::move(parsed.error()));
    const base::Pkcs12Ptr again = decode(bytes, legacy.get());
    if (again) parsed = open(again.get(), terminated);
  }
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  return contents_of(*parsed);
}

}  // namespace certstore
