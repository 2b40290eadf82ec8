#include "azure/client_assertion.h"

#include <array>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/jws.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/json.h"
#include "base/openssl.h"
#include "certstore/pem.h"
#include "certstore/secret_bytes.h"

namespace azure {
namespace {

constexpr std::chrono::seconds life{600};
constexpr std::chrono::seconds clock_difference{60};
constexpr std::size_t largest_file = 1U << 20U;

std::string digest_of(const certstore::SecretBytes& der, const EVP_MD* digest) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  if (EVP_Digest(der.data(), der.size(), bytes.data(), &size, digest, nullptr) != 1) return {};
  return base::to_base64url({reinterpret_cast<const char*>(bytes.data()), size});
}

base::Result<std::string> random_id() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return base::fail(base::Code::internal, base::take_openssl_error());
  }
  return base::to_base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::int64_t unix_seconds(base::SystemTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

struct Signer {
  acme::AccountKey key;
  nlohmann::json header;
};

base::Result<Signer> signer_of(const ClientAssertion& assertion) {
  auto text = base::read_file(assertion.certificate, largest_file);
  if (!text) return std::unexpected(std::move(text.error()));
  const certstore::WipedAtEnd text_wiped(*text);
  certstore::PemContents contents;
  if (auto read = certstore::read_pem(*text, contents); !read) {
    return std::unexpected(std::move(read.error()).in(assertion.certificate.string()));
  }
  if (contents.certificates.empty()) {
    return base::fail(base::Code::invalid, assertion.certificate.string() + ": no certificate in it");
  }
  const std::filesystem::path& key_file = assertion.key.empty() ? assertion.certificate : assertion.key;
  auto key_text = base::read_file(key_file, largest_file);
  if (!key_text) return std::unexpected(std::move(key_text.error()));
  const certstore::WipedAtEnd key_wiped(*key_text);
  auto key = acme::AccountKey::from_pem(*key_text);
  if (!key) return std::unexpected(std::move(key.error()).in(key_file.string()));
  if (key->algorithm() != "RS256") {
    return base::fail(base::Code::invalid, key_file.string() + ": Entra takes assertions by RSA keys only");
  }
  const certstore::SecretBytes& leaf = contents.certificates.front();
  nlohmann::json header{{"alg", "RS256"},
                        {"typ", "JWT"},
                        {"x5t", digest_of(leaf, EVP_sha1())},
                        {"x5t#S256", digest_of(leaf, EVP_sha256())}};
  return Signer{*std::move(key), std::move(header)};
}

}  // namespace

base::Result<std::string> make_client_assertion(const ClientAssertion& assertion) {
  auto signer = signer_of(assertion);
  if (!signer) return std::unexpected(std::move(signer.error()));
  auto id = random_id();
  if (!id) return std::unexpected(std::move(id.error()));
  const nlohmann::json claims{{"aud", assertion.audience},
                              {"iss", assertion.client_id},
                              {"sub", assertion.client_id},
                              {"jti", *id},
                              {"iat", unix_seconds(assertion.now)},
                              {"nbf", unix_seconds(assertion.now - clock_difference)},
                              {"exp", unix_seconds(assertion.now + life)}};
  const auto encoded = [](const nlohmann::json& json) { return base::to_base64url(base::json_line(json)); };
  std::string input = encoded(signer->header) + '.' + encoded(claims);
  auto signature = signer->key.sign(input);
  if (!signature) return std::unexpected(std::move(signature.error()));
  return input + '.' + base::to_base64url(*signature);
}

}  // namespace azure
