// IssuerCertificate: a certificate that issued others, decoded once for all chains that it is part of.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/openssl.h"
#include "certstore/der.h"

namespace certstore {

// Immutable, any thread. Ten thousand certificates of one CA share one object, as bytes and decoded.
class IssuerCertificate {
 public:
  // The shared object for these bytes if one is alive, or was asked for lately; else null. The pool is the one piece of
  // state that all threads of the process share here: a cache by content, bounded, with nothing in it that a caller
  // could change.
  [[nodiscard]] static std::shared_ptr<const IssuerCertificate> find(der::Bytes bytes);
  // The same, made if it is not there. Null with what is no certificate or has a public key that OpenSSL cannot read.
  [[nodiscard]] static std::shared_ptr<const IssuerCertificate> find_or_make(der::Bytes bytes);

  [[nodiscard]] const X509* x509() const noexcept { return x509_.get(); }
  // A reference that may outlive this object.
  [[nodiscard]] base::X509Ptr share() const noexcept { return base::share(x509_.get()); }
  [[nodiscard]] const std::vector<std::uint8_t>& der() const noexcept { return der_; }
  [[nodiscard]] bool self_signed() const noexcept { return self_signed_; }
  // Whether the signature on the certificate with these bytes was made by this one's key. About 400 µs.
  [[nodiscard]] bool verifies(der::Bytes child) const;

 private:
  IssuerCertificate() = default;
  [[nodiscard]] static std::shared_ptr<const IssuerCertificate> make(der::Bytes bytes);

  std::vector<std::uint8_t> der_;
  base::X509Ptr x509_;
  bool self_signed_ = false;
};

using IssuerPtr = std::shared_ptr<const IssuerCertificate>;

}  // namespace certstore
