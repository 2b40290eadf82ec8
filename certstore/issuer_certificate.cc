#include "certstore/issuer_certificate.h"

#include <cstring>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "certstore/facts.h"

namespace certstore {
namespace {

using Digest = std::array<std::uint8_t, 32>;

struct DigestHash {
  std::size_t operator()(const Digest& digest) const noexcept {
    std::size_t hash = 0;
    std::memcpy(&hash, digest.data(), sizeof hash);
    return hash;
  }
};

class Pool {
 public:
  [[nodiscard]] IssuerPtr find(const Digest& digest) {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(digest);
    return found == known_.end() ? nullptr : found->second.lock();
  }
  void add(const Digest& digest, const IssuerPtr& issuer) {
    const std::lock_guard lock(mutex_);
    // A root is in many bundles but kept by none, for it is not served: the last few stay whoever uses them.
    recent_[next_++ % recent_.size()] = issuer;
    if (known_.size() >= most_known) std::erase_if(known_, [](const auto& entry) { return entry.second.expired(); });
    if (known_.size() < most_known) known_.insert_or_assign(digest, issuer);
  }

 private:
  static constexpr std::size_t most_known = 4096;
  std::mutex mutex_;
  std::unordered_map<Digest, std::weak_ptr<const IssuerCertificate>, DigestHash> known_;
  std::array<IssuerPtr, 16> recent_;
  std::size_t next_ = 0;
};

Pool& pool() {
  static Pool shared;
  return shared;
}

}  // namespace

IssuerPtr IssuerCertificate::find(der::Bytes bytes) {
  return pool().find(sha256(bytes));
}

IssuerPtr IssuerCertificate::find_or_make(der::Bytes bytes) {
  const Digest digest = sha256(bytes);
  if (IssuerPtr found = pool().find(digest)) return found;
  IssuerPtr made = make(bytes);
  if (made) pool().add(digest, made);
  return made;
}

IssuerPtr IssuerCertificate::make(der::Bytes bytes) {
  const std::shared_ptr<IssuerCertificate> made(new IssuerCertificate);  // the constructor is private
  const unsigned char* data = bytes.data();
  made->x509_.reset(d2i_X509(nullptr, &data, static_cast<long>(bytes.size())));
  if (made->x509_ == nullptr || X509_get0_pubkey(made->x509_.get()) == nullptr) {
    ERR_clear_error();
    return nullptr;
  }
  made->der_.assign(bytes.begin(), bytes.end());
  made->self_signed_ = X509_self_signed(made->x509_.get(), 1) == 1;
  ERR_clear_error();
  return made;
}

bool IssuerCertificate::verifies(der::Bytes child) const {
  const unsigned char* data = child.data();
  const base::X509Ptr decoded(d2i_X509(nullptr, &data, static_cast<long>(child.size())));
  const bool good = decoded != nullptr && X509_verify(decoded.get(), X509_get0_pubkey(x509_.get())) == 1;
  ERR_clear_error();
  return good;
}

}  // namespace certstore
