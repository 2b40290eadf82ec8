// Revocation. RFC 8555 §7.6, with the account that ordered the certificate. Where the reason is that somebody else may
// have the key, it is out of service first, in every process, and then the CA is told; for a harmless reason the new
// certificate comes first. Both are written down before they begin, and gone on with after a crash.
#include <utility>

#include <fmt/format.h>

#include "acme/manager_loop.h"
#include "base/log.h"
#include "certstore/signing_authority.h"

namespace acme {
namespace {

constexpr std::chrono::milliseconds lock_patience{200};
constexpr std::chrono::minutes pause_after_failure{5};
constexpr std::chrono::hours longest_other_configuration{24};

base::Result<std::string> der_of(const certstore::Certificate& certificate) {
  const auto* material = certificate.material();
  if (material == nullptr) return base::fail(base::Code::overloaded, "the certificate cannot be decoded: no memory");
  const certstore::SecretBytes der = certstore::der_of(material->leaf.get());
  return std::string(reinterpret_cast<const char*>(der.data()), der.size());
}

}  // namespace

base::Result<void> Manager::Loop::revoke(const std::string& name, std::optional<unsigned> reason,
                                         std::stop_token stop) {
  const auto units = units_of(name);
  if (units.empty()) return base::fail(base::Code::not_found, fmt::format("no certificate is called {}", name));
  std::vector<ToRevoke> all;
  for (const UnitPtr& unit : units) {
    auto one = to_revoke(unit, reason);
    if (!one) return std::unexpected(std::move(one.error()));
    if (*one) all.push_back(**std::move(one));
  }
  if (all.empty()) {
    return base::fail(base::Code::not_found, fmt::format("{} has no certificate that could be revoked", name));
  }
  for (const ToRevoke& one : all) {
    if (auto written = write_down(one); !written) return written;
  }
  for (const UnitPtr& unit : units) {
    if (ends_service(reason)) refresh(unit);
    replace(*unit);
  }
  wake();
  if (!ends_service(reason)) return {};
  for (const ToRevoke& one : all) {
    if (auto told = tell_ca(one.planned, stop); !told) {
      return std::unexpected(
          std::move(told.error())
              .in(fmt::format("{} is not served any more, but the CA has not revoked it, and is asked again", name)));
    }
  }
  return {};
}

// Nothing: there is no certificate.
base::Result<std::optional<Manager::Loop::ToRevoke>> Manager::Loop::to_revoke(const UnitPtr& unit,
                                                                              std::optional<unsigned> reason) const {
  std::optional<StoredCertificate> stored;
  {
    const std::lock_guard lock(mutex_);
    stored = unit->stored;
  }
  if (!stored) return std::nullopt;
  if (const auto issuer = acme_issuer(stored->issuer); !issuer) return std::unexpected(issuer.error());
  auto der = der_of(*stored->certificate);
  if (!der) return std::unexpected(std::move(der.error()));
  PlannedRevocation planned{.name = unit->target.wanted->name,
                            .record = unit->target.record(),
                            .issuer = stored->issuer,
                            .reason = reason,
                            .fingerprint = stored->certificate->fingerprint(),
                            .der = *std::move(der),
                            .since = options_.clock.now(),
                            .until = stored->certificate->facts().not_after};
  return ToRevoke{unit, stored->certificate, std::move(planned)};
}

// And forbidden where its reason demands it.
base::Result<void> Manager::Loop::write_down(const ToRevoke& one) {
  if (auto written = revocations_.plan(one.planned); !written) return written;
  if (!ends_service(one.planned.reason)) return {};
  if (auto forbidden = revocations_.forbid(*one.certificate, one.planned.reason); !forbidden) return forbidden;
  const std::lock_guard lock(mutex_);
  ++one.unit->revocations;
  return {};
}

// The order that is under way brings the new one.
void Manager::Loop::replace(Unit& unit) {
  const std::lock_guard lock(mutex_);
  unit.anew = true;
  unit.forced = !unit.busy || unit.state != ManagedCertificate::State::ordering;
  look_at(unit, options_.clock.now());
  unit.next_reason = "to be revoked";
  if (!unit.busy) unit.state = ManagedCertificate::State::queued;
}

// Each new certificate, of whatever name, is an occasion for this: a CA that has just refused is left alone.
void Manager::Loop::finish_revocations(const std::stop_token& stop) {
  std::erase_if(not_revoked_before_, [](const auto& one) { return one.second <= std::chrono::steady_clock::now(); });
  for (const PlannedRevocation& planned : revocations_.planned()) {
    if (stop.stop_requested()) return;
    if (not_revoked_before_.contains(planned.fingerprint)) continue;
    if (!ends_service(planned.reason) && !is_replaced(planned)) continue;
    if (const auto told = tell_ca(planned, stop); !told && !stop.stop_requested()) {
      not_revoked_before_[planned.fingerprint] = std::chrono::steady_clock::now() + pause_after_failure;
      base::log::warning("a certificate is not revoked yet",
                         {{"certificate", planned.name}, {"error", told.error().what}});
    }
  }
}

// Also where another process got the new one, or where the name is not wanted any more. After a day: another process
// may not have been told yet, and serve it.
bool Manager::Loop::is_replaced(const PlannedRevocation& planned) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto unit = units_.find(planned.record); unit != units_.end()) {
      return is_ours(unit->second->target, unit->second->stored) &&
             unit->second->stored->certificate->fingerprint() != planned.fingerprint;
    }
  }
  if (planned.since + longest_other_configuration < options_.clock.now()) return true;
  const auto stored = shelf_.read("certificates/" + planned.record);
  return stored && (!*stored || (*stored)->certificate->fingerprint() != planned.fingerprint);
}

base::Result<void> Manager::Loop::tell_ca(const PlannedRevocation& planned, const std::stop_token& stop) {
  const auto issuer = acme_issuer(planned.issuer);
  if (!issuer) return std::unexpected(issuer.error());
  const auto client = clients_.of(*issuer);
  const auto signer = accounts_.open(*client, *issuer, stop);
  if (!signer) return std::unexpected(signer.error().error);
  auto revoked = client->revoke(*signer, planned.der, planned.reason, stop);
  const bool before =
      !revoked && revoked.error().problem && revoked.error().problem->type == ProblemType::already_revoked;
  if (!revoked && !before) return std::unexpected(std::move(revoked.error().error));
  base::log::info("certificate revoked", {{"certificate", planned.name},
                                          {"fingerprint", planned.fingerprint},
                                          {"reason", planned.reason ? std::to_string(*planned.reason) : "none"}});
  if (ends_service(planned.reason)) take_off_shelf(planned, stop);
  return revocations_.done(planned);
}

// It is forbidden already; this is for other tools that read the folder. Whoever has the lock writes a new one there.
void Manager::Loop::take_off_shelf(const PlannedRevocation& planned, const std::stop_token& stop) {
  const auto lock = options_.locks.take(lock_of_certificate(planned.name), lock_patience, stop);
  if (!lock) return;
  const std::string key = "certificates/" + planned.record;
  const auto stored = shelf_.read(key);
  if (!stored || !*stored || (*stored)->certificate->fingerprint() != planned.fingerprint) return;
  if (auto removed = shelf_.remove(key); !removed) {
    base::log::warning("a revoked certificate cannot be removed", {{"error", removed.error().what}});
  }
}

}  // namespace acme
