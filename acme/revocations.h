// Revocations: what is still to be revoked, and what must not be served any more. In storage, so that every process
// keeps to it and no crash forgets it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acme/storage.h"
#include "base/clock.h"
#include "base/error.h"
#include "certstore/certificate.h"

namespace acme {

// RFC 5280 §5.3.1. Whether a certificate that is revoked for this reason must not be served for another moment. For the
// others (none given, unspecified, affiliation changed, superseded, no longer used) it is as good as before until there
// is another one.
[[nodiscard]] bool ends_service(std::optional<unsigned> reason) noexcept;

// A certificate that the CA has not been told of yet, or whose successor is still to come.
struct PlannedRevocation {
  std::string name;    // of the certificate in the configuration
  std::string record;  // Target::record()
  std::string issuer;
  std::optional<unsigned> reason;
  std::string fingerprint;
  std::string der;           // of the leaf
  base::SystemTime since{};  // asked for
  base::SystemTime until{};  // it expires: no CA revokes it any more
};

// Any thread. All block.
class Revocations {
 public:
  explicit Revocations(Storage& storage) : storage_(storage) {}

  // Written down until done(). A later reason for the same certificate replaces the earlier one.
  [[nodiscard]] base::Result<void> plan(const PlannedRevocation& planned);
  [[nodiscard]] base::Result<void> done(const PlannedRevocation& planned);
  [[nodiscard]] std::vector<PlannedRevocation> planned() const;

  // From now on in every process: nothing with this key where the reason is about the key (keyCompromise, reason 1),
  // else not this certificate.
  [[nodiscard]] base::Result<void> forbid(const certstore::Certificate& certificate, std::optional<unsigned> reason);
  [[nodiscard]] bool forbids(const certstore::Certificate& certificate) const;
  // What has expired needs nobody to forbid or revoke it.
  void forget_expired(base::SystemTime now);

 private:
  Storage& storage_;
};

}  // namespace acme
