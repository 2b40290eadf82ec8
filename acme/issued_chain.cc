#include "acme/issued_chain.h"

#include <utility>

#include "base/openssl.h"
#include "certstore/pem.h"

namespace acme {
namespace {

std::unexpected<base::Error> refused(std::string what) {
  return base::fail(base::Code::protocol, std::move(what), base::Origin::upstream, base::Retry::later);
}

bool is_certificate(certstore::der::Bytes bytes) {
  const unsigned char* data = bytes.data();
  const base::X509Ptr parsed(d2i_X509(nullptr, &data, static_cast<long>(bytes.size())));
  ERR_clear_error();
  return parsed != nullptr;
}

}  // namespace

base::Result<std::string> checked_chain(std::string_view text) {
  certstore::PemContents contents;
  if (auto read = certstore::read_pem(text, contents); !read) return refused("the chain: " + read.error().what);
  if (!contents.keys.empty() || contents.has_encrypted_key) return refused("the chain holds a private key");
  if (contents.certificates.empty()) return refused("the chain holds no certificate");
  std::string chain;
  for (const certstore::SecretBytes& certificate : contents.certificates) {
    if (!is_certificate(certificate)) return refused("the chain holds a damaged certificate");
    chain += certstore::write_pem(PEM_STRING_X509, certificate);
  }
  return chain;
}

}  // namespace acme
