// PEM bundles from wherever an operator found them: anything may be in a file, nothing of it may end the process.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "certstore/certificate.h"
#include "certstore/certificate_files.h"
#include "certstore/host_name.h"
#include "tests/support/mint.h"

namespace {

// A chain and key of this run, so that mutated certificates meet a key that may match.
const test::Minted& minted() {
  static const test::Minted one = test::Authority("Root").intermediate("Issuing").issue({.names = {"a.example.com"}});
  return one;
}

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// The first byte says what is in the rest: a whole bundle, a chain for the minted key, or DER to be wrapped as a
// certificate or as a key, which gets the mutations past base64.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  static const std::string key = minted().key_pem();
  static const std::string chain = minted().chain_pem();
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  const auto wrapped = [&](const char* label) {
    const base::BioPtr bio(BIO_new(BIO_s_mem()));
    PEM_write_bio(bio.get(), label, "", bytes + 1, static_cast<long>(size - 1));
    char* data = nullptr;
    const long length = BIO_get_mem_data(bio.get(), &data);
    return std::string(data, static_cast<std::size_t>(length));
  };
  base::Result<certstore::CertificatePtr> read;
  switch (bytes[0] % 6) {
    case 0:
      read = certstore::Certificate::from_pem(text, {});
      break;
    case 1:
      read = certstore::Certificate::from_pem(text, key);
      break;
    case 2:
      read = certstore::Certificate::from_pem(chain + wrapped("CERTIFICATE"), key);
      break;
    case 3:
      read = certstore::Certificate::from_pem(chain, wrapped("PRIVATE KEY"));
      break;
    case 4:
      read = certstore::Certificate::from_pem(chain, wrapped("EC PRIVATE KEY"));
      break;
    default:
      read = certstore::Certificate::from_pem(chain, wrapped("RSA PRIVATE KEY"));
      break;
  }
  (void)certstore::kind_of_pem(text);
  if (!read) {
    require(!read.error().what.empty());
    return 0;
  }
  // What was accepted must work: names are host names, and OpenSSL agrees that the key matches.
  for (const std::string& name : (*read)->facts().dns_names) require(certstore::canonical_host_name(name) == name);
  const auto* material = (*read)->material();
  require(material != nullptr && X509_check_private_key(material->leaf.get(), material->key.get()) == 1);
  return 0;
}
