#include "acme/managed_certificate.h"

namespace acme {

std::string_view to_string(ManagedCertificate::State state) noexcept {
  switch (state) {
    case ManagedCertificate::State::held_elsewhere:
      return "held elsewhere";
    case ManagedCertificate::State::waiting:
      return "waiting";
    case ManagedCertificate::State::queued:
      return "queued";
    case ManagedCertificate::State::ordering:
      return "ordering";
    case ManagedCertificate::State::issued:
      return "issued";
    case ManagedCertificate::State::failed:
      return "failed";
  }
  return "";
}

}  // namespace acme
