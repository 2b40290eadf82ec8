#include "certstore/private_key.h"

#include <algorithm>
#include <array>
#include <bit>
#include <initializer_list>
#include <memory>
#include <string>

namespace certstore {
namespace {

using BnPtr = std::unique_ptr<BIGNUM, base::Freed<BN_clear_free>>;
using BnCtxPtr = std::unique_ptr<BN_CTX, base::Freed<BN_CTX_free>>;
using EcGroupPtr = std::unique_ptr<EC_GROUP, base::Freed<EC_GROUP_free>>;
using EcPointPtr = std::unique_ptr<EC_POINT, base::Freed<EC_POINT_clear_free>>;
using DecoderPtr = std::unique_ptr<OSSL_DECODER_CTX, base::Freed<OSSL_DECODER_CTX_free>>;
using Algorithm = PrivateKey::Algorithm;

constexpr std::array<std::uint8_t, 9> rsa_encryption{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
constexpr std::array<std::uint8_t, 7> ec_public_key{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
constexpr std::array<std::uint8_t, 8> p256_oid{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
constexpr std::array<std::uint8_t, 5> p384_oid{0x2b, 0x81, 0x04, 0x00, 0x22};
constexpr std::array<std::uint8_t, 5> p521_oid{0x2b, 0x81, 0x04, 0x00, 0x23};
constexpr std::array<std::uint8_t, 1> zero{0};
constexpr std::array<std::uint8_t, 1> one{1};
constexpr int least_rsa_bits = 2048;
constexpr int most_rsa_bits = 16384;  // OPENSSL_RSA_MAX_MODULUS_BITS

struct Curve {
  Algorithm algorithm;
  der::Bytes oid;
  int nid;
  const char* name;
  std::size_t field_bytes;
};

constexpr std::array<Curve, 3> curves{{{Algorithm::p256, p256_oid, NID_X9_62_prime256v1, SN_X9_62_prime256v1, 32},
                                       {Algorithm::p384, p384_oid, NID_secp384r1, SN_secp384r1, 48},
                                       {Algorithm::p521, p521_oid, NID_secp521r1, SN_secp521r1, 66}}};

const Curve* curve_of(der::Bytes oid) {
  const auto* const found =
      std::ranges::find_if(curves, [&](const Curve& curve) { return std::ranges::equal(curve.oid, oid); });
  return found == curves.end() ? nullptr : found;
}

// Making a group takes as long as the multiplication; it does not change, so one of each serves all threads.
const EC_GROUP* group_of(const Curve& curve) {
  static const std::array<EcGroupPtr, 3> groups{EcGroupPtr(EC_GROUP_new_by_curve_name(curves[0].nid)),
                                                EcGroupPtr(EC_GROUP_new_by_curve_name(curves[1].nid)),
                                                EcGroupPtr(EC_GROUP_new_by_curve_name(curves[2].nid))};
  return groups[static_cast<std::size_t>(&curve - curves.data())].get();
}

std::unexpected<base::Error> damaged() {
  return base::fail(base::Code::invalid, "the private key is damaged");
}

BnPtr number(der::Bytes bytes) {
  BnPtr made(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  if (made) BN_set_flags(made.get(), BN_FLG_CONSTTIME);
  return made;
}

// The uncompressed public point of a scalar; empty if the scalar is not in [1, order).
SecretBytes point_of(const Curve& curve, der::Bytes scalar) {
  const EC_GROUP* group = group_of(curve);
  const BnPtr d = number(scalar);
  const BnCtxPtr context(BN_CTX_secure_new());
  if (group == nullptr || !d || !context || BN_is_zero(d.get()) != 0 ||
      BN_cmp(d.get(), EC_GROUP_get0_order(group)) >= 0)
    return {};
  const EcPointPtr point(EC_POINT_new(group));
  SecretBytes bits(1 + 2 * curve.field_bytes);
  if (!point || EC_POINT_mul(group, point.get(), d.get(), nullptr, nullptr, context.get()) != 1 ||
      EC_POINT_point2oct(group, point.get(), POINT_CONVERSION_UNCOMPRESSED, bits.data(), bits.size(), context.get()) !=
          bits.size()) {
    return {};
  }
  return bits;
}

SecretBytes joined(std::initializer_list<std::pair<std::uint8_t, der::Bytes>> elements) {
  SecretBytes out;
  for (const auto& [tag, content] : elements) der::append(out, tag, content);
  return out;
}

SecretBytes wrapped(const SecretBytes& algorithm, const SecretBytes& key) {
  const SecretBytes content = joined({{der::integer, zero}, {der::sequence, algorithm}, {der::octet_string, key}});
  return joined({{der::sequence, content}});
}

// RFC 5915 §3 inside RFC 5208 §5.
SecretBytes ec_pkcs8(const Curve& curve, const SecretBytes& scalar, const SecretBytes& point) {
  SecretBytes bits(1, 0);  // no unused bits
  bits.insert(bits.end(), point.begin(), point.end());
  const SecretBytes tagged = joined({{der::bit_string, bits}});
  const SecretBytes fields = joined({{der::integer, one}, {der::octet_string, scalar}, {der::context_1, tagged}});
  return wrapped(joined({{der::object_identifier, ec_public_key}, {der::object_identifier, curve.oid}}),
                 joined({{der::sequence, fields}}));
}

// The numbers of RFC 8017 §A.1.2, without the version.
struct RsaNumbers {
  BnPtr n, e, d, p, q, dp, dq, qinv;
};

// a * b mod m == 1
bool inverse(const BnPtr& a, const BnPtr& b, const BIGNUM* m, BN_CTX* context) {
  const BnPtr product(BN_secure_new());
  return product && BN_mul(product.get(), a.get(), b.get(), context) == 1 &&
         BN_nnmod(product.get(), product.get(), m, context) == 1 && BN_is_one(product.get());
}

// That n = p·q and that every exponent undoes e: a signature made with these numbers will verify under (n, e).
bool consistent(const RsaNumbers& rsa) {
  const BnCtxPtr context(BN_CTX_secure_new());
  const BnPtr product(BN_secure_new());
  const BnPtr p1(BN_dup(rsa.p.get()));
  const BnPtr q1(BN_dup(rsa.q.get()));
  if (!context || !product || !p1 || !q1 || BN_sub_word(p1.get(), 1) != 1 || BN_sub_word(q1.get(), 1) != 1)
    return false;
  if (BN_is_zero(p1.get()) != 0 || BN_is_zero(q1.get()) != 0) return false;
  return BN_mul(product.get(), rsa.p.get(), rsa.q.get(), context.get()) == 1 &&
         BN_cmp(product.get(), rsa.n.get()) == 0 && inverse(rsa.e, rsa.dp, p1.get(), context.get()) &&
         inverse(rsa.e, rsa.dq, q1.get(), context.get()) && inverse(rsa.e, rsa.d, p1.get(), context.get()) &&
         inverse(rsa.e, rsa.d, q1.get(), context.get()) && inverse(rsa.q, rsa.qinv, rsa.p.get(), context.get());
}

}  // namespace

base::Result<PrivateKey> PrivateKey::parse(der::Bytes bytes, KeyLayout layout) {
  der::Reader outer(bytes);
  const auto content = outer.take(der::sequence);
  if (!content) return damaged();
  if (layout == KeyLayout::sec1) return parse_ec(bytes, {});
  if (layout == KeyLayout::pkcs1) return parse_rsa(bytes);
  der::Reader reader(*content);
  const auto version = reader.take(der::integer);
  const auto algorithm = reader.take(der::sequence);
  const auto key = reader.take(der::octet_string);
  if (!version || !algorithm || !key) return damaged();
  der::Reader parts(*algorithm);
  const auto oid = parts.take(der::object_identifier);
  if (!oid) return damaged();
  if (std::ranges::equal(*oid, rsa_encryption)) return parse_rsa(*key);
  if (!std::ranges::equal(*oid, ec_public_key)) {
    return base::fail(base::Code::invalid,
                      "the private key is neither RSA nor EC: this kind is not supported for TLS here");
  }
  const auto curve = parts.take(der::object_identifier);
  if (!curve) return base::fail(base::Code::invalid, "the EC private key has no named curve");
  return parse_ec(*key, *curve);
}

base::Result<PrivateKey> PrivateKey::parse_rsa(der::Bytes rsa_private_key) {
  der::Reader outer(rsa_private_key);
  der::Reader reader(outer.take(der::sequence).value_or(der::Bytes{}));
  const auto version = reader.take(der::integer);
  std::array<der::Bytes, 8> fields;
  for (der::Bytes& field : fields) {
    const auto taken = reader.take(der::integer);
    // Positive and bounded: what follows multiplies these numbers.
    if (!taken || taken->empty() || (taken->front() & 0x80U) != 0 || taken->size() > most_rsa_bits / 8 + 1)
      return damaged();
    field = *taken;
  }
  if (!version || !std::ranges::equal(*version, zero)) {
    return base::fail(base::Code::invalid, "the RSA private key has more than two primes: not supported");
  }
  const RsaNumbers rsa{number(fields[0]), number(fields[1]), number(fields[2]), number(fields[3]),
                       number(fields[4]), number(fields[5]), number(fields[6]), number(fields[7])};
  const auto bits = rsa.n ? BN_num_bits(rsa.n.get()) : 0;
  if (bits < least_rsa_bits || bits > most_rsa_bits) {
    return base::fail(base::Code::invalid, "the RSA key has " + std::to_string(bits) +
                                               " bits: at least 2048 and at most 16384 are expected");
  }
  if (!rsa.qinv || !consistent(rsa)) return damaged();
  PrivateKey key;
  key.algorithm_ = Algorithm::rsa;
  key.public_bits_ = joined({{der::sequence, joined({{der::integer, fields[0]}, {der::integer, fields[1]}})}});
  key.pkcs8_ = wrapped(joined({{der::object_identifier, rsa_encryption}, {der::null, {}}}),
                       SecretBytes(rsa_private_key.begin(), rsa_private_key.end()));
  return key;
}

base::Result<PrivateKey> PrivateKey::parse_ec(der::Bytes ec_private_key, der::Bytes curve_oid) {
  der::Reader outer(ec_private_key);
  der::Reader reader(outer.take(der::sequence).value_or(der::Bytes{}));
  const auto version = reader.take(der::integer);
  const auto scalar = reader.take(der::octet_string);
  if (!version || !std::ranges::equal(*version, one) || !scalar || scalar->empty()) return damaged();
  if (curve_oid.empty()) {
    der::Reader parameters(reader.take(der::context_0).value_or(der::Bytes{}));
    curve_oid = parameters.take(der::object_identifier).value_or(der::Bytes{});
  }
  const Curve* curve = curve_of(curve_oid);
  if (curve == nullptr) {
    return base::fail(base::Code::invalid,
                      "the EC private key is on an unsupported curve: P-256, P-384 or P-521 is expected");
  }
  if (scalar->size() > curve->field_bytes) return damaged();
  SecretBytes padded(curve->field_bytes - scalar->size(), 0);
  padded.insert(padded.end(), scalar->begin(), scalar->end());
  PrivateKey key;
  key.algorithm_ = curve->algorithm;
  key.public_bits_ = point_of(*curve, padded);
  if (key.public_bits_.empty()) return damaged();
  key.pkcs8_ = ec_pkcs8(*curve, padded, key.public_bits_);
  return key;
}

bool PrivateKey::matches(const X509* certificate) const {
  ASN1_OBJECT* oid = nullptr;
  const unsigned char* bits = nullptr;
  int size = 0;
  X509_ALGOR* algorithm = nullptr;
  if (X509_PUBKEY_get0_param(&oid, &bits, &size, &algorithm, X509_get_X509_PUBKEY(certificate)) != 1) return false;
  const der::Bytes theirs(bits, static_cast<std::size_t>(size));
  if (algorithm_ == Algorithm::rsa)
    return OBJ_obj2nid(oid) == NID_rsaEncryption && std::ranges::equal(theirs, public_bits_);
  int parameter_type = 0;
  const void* parameter = nullptr;
  X509_ALGOR_get0(nullptr, &parameter_type, &parameter, algorithm);
  const auto& curve = curves[static_cast<std::size_t>(algorithm_) - static_cast<std::size_t>(Algorithm::p256)];
  if (OBJ_obj2nid(oid) != NID_X9_62_id_ecPublicKey || parameter_type != V_ASN1_OBJECT ||
      OBJ_obj2nid(static_cast<const ASN1_OBJECT*>(parameter)) != curve.nid) {
    return false;
  }
  if (theirs.size() == 1 + curve.field_bytes) {  // compressed, SEC 1 §2.3.3: the parity of y, then x
    const auto parity = static_cast<std::uint8_t>(2U | (public_bits_.back() & 1U));
    return theirs[0] == parity &&
           std::ranges::equal(theirs.subspan(1), der::Bytes(public_bits_).subspan(1, curve.field_bytes));
  }
  return std::ranges::equal(theirs, public_bits_);
}

namespace {

base::EvpPkeyPtr decode_rsa(der::Bytes pkcs8) {
  EVP_PKEY* key = nullptr;
  const DecoderPtr decoder(
      OSSL_DECODER_CTX_new_for_pkey(&key, "DER", "PrivateKeyInfo", "RSA", EVP_PKEY_KEYPAIR, nullptr, nullptr));
  const unsigned char* data = pkcs8.data();
  std::size_t size = pkcs8.size();
  if (!decoder || OSSL_DECODER_from_data(decoder.get(), &data, &size) != 1) return nullptr;
  return base::EvpPkeyPtr(key);
}

base::EvpPkeyPtr make_ec(const Curve& curve, der::Bytes scalar, der::Bytes point) {
  const base::EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  SecretBytes native(scalar.rbegin(), scalar.rend());  // OSSL_PARAM integers have the machine's byte order
  if constexpr (std::endian::native == std::endian::big) std::ranges::reverse(native);
  std::string name(curve.name);
  SecretBytes bits(point.begin(), point.end());
  std::array<OSSL_PARAM, 4> parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, bits.data(), bits.size()),
      OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native.data(), native.size()), OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, parameters.data()) != 1) {
    return nullptr;
  }
  return base::EvpPkeyPtr(key);
}

}  // namespace

base::EvpPkeyPtr decode_private_key(der::Bytes pkcs8) {
  // We wrote these bytes ourselves (ec_pkcs8), so the shape is known: version, algorithm, key.
  der::Reader outer(pkcs8);
  der::Reader reader(outer.take(der::sequence).value_or(der::Bytes{}));
  (void)reader.take(der::integer);
  der::Reader algorithm(reader.take(der::sequence).value_or(der::Bytes{}));
  (void)algorithm.take(der::object_identifier);
  const Curve* curve = curve_of(algorithm.take(der::object_identifier).value_or(der::Bytes{}));
  if (curve == nullptr) return decode_rsa(pkcs8);
  der::Reader wrapper(reader.take(der::octet_string).value_or(der::Bytes{}));
  der::Reader fields(wrapper.take(der::sequence).value_or(der::Bytes{}));
  (void)fields.take(der::integer);
  const der::Bytes scalar = fields.take(der::octet_string).value_or(der::Bytes{});
  der::Reader tagged(fields.take(der::context_1).value_or(der::Bytes{}));
  const der::Bytes bits = tagged.take(der::bit_string).value_or(der::Bytes{});
  if (bits.empty()) return nullptr;
  return make_ec(*curve, scalar, bits.subspan(1));
}

}  // namespace certstore
