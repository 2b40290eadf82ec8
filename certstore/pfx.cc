#include "certstore/pfx.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/openssl.h"

namespace certstore {
namespace {

using Pkcs8Ptr = std::unique_ptr<PKCS8_PRIV_KEY_INFO, base::Freed<PKCS8_PRIV_KEY_INFO_free>>;
using ProviderPtr = std::unique_ptr<OSSL_PROVIDER, base::Freed<OSSL_PROVIDER_unload>>;
using LibraryPtr = std::unique_ptr<OSSL_LIB_CTX, base::Freed<OSSL_LIB_CTX_free>>;

// For the MAC, each encrypted part and each key, and for all of them together: a few seconds of work. Tools write 2,000
// to 600,000; a file that asks for billions would stop the control plane.
constexpr long most_iterations = 1'000'000;
constexpr long most_iterations_together = 4 * most_iterations;

struct StackFree {
  void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_pop_free(stack, X509_free); }
};
using X509StackPtr = std::unique_ptr<STACK_OF(X509), StackFree>;

struct BagsFree {
  void operator()(STACK_OF(PKCS12_SAFEBAG) * stack) const noexcept {
    sk_PKCS12_SAFEBAG_pop_free(stack, PKCS12_SAFEBAG_free);
  }
};
using BagsPtr = std::unique_ptr<STACK_OF(PKCS12_SAFEBAG), BagsFree>;

struct PartsFree {
  void operator()(STACK_OF(PKCS7) * stack) const noexcept { sk_PKCS7_pop_free(stack, PKCS7_free); }
};
using PartsPtr = std::unique_ptr<STACK_OF(PKCS7), PartsFree>;

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

// What a file asks for in password hashing, before OpenSSL does it: the library itself has no limit.
class HashingCost {
 public:
  // False: too much in all.
  [[nodiscard]] bool take(long iterations) {
    if (iterations <= 0 || iterations > most_iterations || iterations > left_) return false;
    left_ -= iterations;
    return true;
  }
  [[nodiscard]] bool take(const X509_ALGOR* algorithm) { return take(iterations_of(algorithm)); }

 private:
  // -1 for what is not known: scrypt too, which no tool writes into a PFX and whose cost has three dimensions.
  static long iterations_of(const X509_ALGOR* algorithm);
  long left_ = most_iterations_together;
};

long HashingCost::iterations_of(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* name = nullptr;
  int type = 0;
  const void* parameter = nullptr;
  X509_ALGOR_get0(&name, &type, &parameter, algorithm);
  if (type != V_ASN1_SEQUENCE) return -1;
  const auto* sequence = static_cast<const ASN1_STRING*>(parameter);
  const auto unpacked = [](const ASN1_STRING* from, const ASN1_ITEM* item) { return ASN1_item_unpack(from, item); };
  if (OBJ_obj2nid(name) != NID_pbes2) {
    const std::unique_ptr<PBEPARAM, base::Freed<PBEPARAM_free>> old(
        static_cast<PBEPARAM*>(unpacked(sequence, ASN1_ITEM_rptr(PBEPARAM))));
    return old ? ASN1_INTEGER_get(old->iter) : -1;
  }
  const std::unique_ptr<PBE2PARAM, base::Freed<PBE2PARAM_free>> scheme(
      static_cast<PBE2PARAM*>(unpacked(sequence, ASN1_ITEM_rptr(PBE2PARAM))));
  if (!scheme) return -1;
  X509_ALGOR_get0(&name, &type, &parameter, scheme->keyfunc);
  if (OBJ_obj2nid(name) != NID_id_pbkdf2 || type != V_ASN1_SEQUENCE) return -1;
  const std::unique_ptr<PBKDF2PARAM, base::Freed<PBKDF2PARAM_free>> derivation(
      static_cast<PBKDF2PARAM*>(unpacked(static_cast<const ASN1_STRING*>(parameter), ASN1_ITEM_rptr(PBKDF2PARAM))));
  return derivation ? ASN1_INTEGER_get(derivation->iter) : -1;
}

// Bags in bags: as deep as the DER decoder went, which has its own limit.
bool are_affordable(const STACK_OF(PKCS12_SAFEBAG) * bags, HashingCost& cost) {
  for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); ++i) {
    const PKCS12_SAFEBAG* bag = sk_PKCS12_SAFEBAG_value(bags, i);
    const X509_ALGOR* algorithm = nullptr;
    switch (PKCS12_SAFEBAG_get_nid(bag)) {
      case NID_pkcs8ShroudedKeyBag:
        X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, nullptr);
        if (!cost.take(algorithm)) return false;
        break;
      case NID_safeContentsBag:
        if (!are_affordable(PKCS12_SAFEBAG_get0_safes(bag), cost)) return false;
        break;
      default:
        break;
    }
  }
  return true;
}

// The bags of one part; null if the password does not open it: then nothing else does either. None: it costs too much.
std::optional<BagsPtr> bags_of(PKCS7* part, const std::string& password, HashingCost& cost) {
  if (PKCS7_type_is_data(part)) return BagsPtr(PKCS12_unpack_p7data(part));
  if (!PKCS7_type_is_encrypted(part)) return BagsPtr();
  if (!cost.take(part->d.encrypted->enc_data->algorithm)) return std::nullopt;
  BagsPtr bags(PKCS12_unpack_p7encdata(part, password.c_str(), -1));
  // An empty password is written in two ways.
  if (!bags && password.empty()) bags.reset(PKCS12_unpack_p7encdata(part, nullptr, 0));
  return bags;
}

bool is_affordable(PKCS12* pfx, const std::string& password) {
  HashingCost cost;
  const ASN1_INTEGER* iterations = nullptr;
  PKCS12_get0_mac(nullptr, nullptr, nullptr, &iterations, pfx);
  if (iterations != nullptr && !cost.take(ASN1_INTEGER_get(iterations))) return false;
  const PartsPtr parts(PKCS12_unpack_authsafes(pfx));
  for (int i = 0; i < sk_PKCS7_num(parts.get()); ++i) {
    const auto bags = bags_of(sk_PKCS7_value(parts.get(), i), password, cost);
    if (!bags || (*bags && !are_affordable(bags->get(), cost))) return false;
  }
  ERR_clear_error();
  return true;
}

base::Result<Parsed> open(PKCS12* pfx, const std::string& password) {
  if (!is_affordable(pfx, password)) {
    return base::fail(base::Code::too_large, "the PFX asks for more than 1000000 rounds of password hashing");
  }
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
