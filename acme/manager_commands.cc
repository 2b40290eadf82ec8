// What people ask of the manager: revocation, accounts, a look at what the CA is going to find.
#include <map>
#include <utility>

#include <fmt/format.h>

#include "acme/manager_loop.h"
#include "base/log.h"
#include "certstore/signing_authority.h"

namespace acme {
namespace {

std::string der_of(const certstore::Certificate& certificate) {
  const auto* material = certificate.material();
  if (material == nullptr) return {};
  const certstore::SecretBytes der = certstore::der_of(material->leaf.get());
  return {reinterpret_cast<const char*>(der.data()), der.size()};
}

// What cannot be kept is not ordered: a certificate that is lost counts against the CA's limits all the same.
Finding examine_storage(Storage& storage) {
  const std::string key = "doctor/written.txt";
  auto kept = storage.write(key, "sekisho doctor was here\n");
  if (kept) kept = storage.remove(key);
  if (!kept) return {"storage", "", Finding::Verdict::bad, kept.error().what + "; nothing can be ordered"};
  return {"storage", "", Finding::Verdict::good, "records can be written and removed"};
}

base::Result<void> as_result(Outcome<void> outcome) {
  if (!outcome) return std::unexpected(std::move(outcome.error().error));
  return {};
}

}  // namespace

// RFC 8555 §7.6, with the account that ordered it. What is revoked is not served, and a new one is got at once.
base::Result<void> Manager::Loop::revoke(const std::string& name, std::optional<unsigned> reason,
                                         std::stop_token stop) {
  const auto units = units_of(name);
  if (units.empty()) return base::fail(base::Code::not_found, fmt::format("no certificate is called {}", name));
  bool any = false;
  for (const UnitPtr& unit : units) {
    std::optional<StoredCertificate> stored;
    {
      const std::lock_guard lock(mutex_);
      stored = unit->stored;
    }
    if (!stored) continue;
    const auto issuer = acme_issuer(stored->issuer);
    if (!issuer) return std::unexpected(issuer.error());
    const auto client = clients_.of(*issuer);
    const auto signer = accounts_.open(*client, *issuer, stop);
    if (!signer) return std::unexpected(signer.error().error);
    auto revoked = client->revoke(*signer, der_of(*stored->certificate), reason, stop);
    const bool before =
        !revoked && revoked.error().problem && revoked.error().problem->type == ProblemType::already_revoked;
    if (!revoked && !before) return std::unexpected(std::move(revoked.error().error));
    any = true;
    base::log::info("certificate revoked", {{"certificate", name},
                                            {"serial", stored->certificate->facts().serial_hex},
                                            {"reason", reason ? std::to_string(*reason) : "none"}});
    if (auto removed = shelf_.remove(unit->target.certificate_key()); !removed) return removed;
    {
      const std::lock_guard lock(mutex_);
      unit->stored.reset();
      ++unit->revocations;
      // The order that is under way brings the new one.
      unit->forced = !unit->busy || unit->state != ManagedCertificate::State::ordering;
      look_at(*unit, options_.clock.now());
      unit->next_reason = "revoked";
      if (!unit->busy) unit->state = ManagedCertificate::State::queued;
    }
    tell({unit}, {});
  }
  if (!any) return base::fail(base::Code::not_found, fmt::format("{} has no certificate that could be revoked", name));
  wake();
  return {};
}

base::Result<void> Manager::Loop::roll_account_key_over(const std::string& issuer, std::stop_token stop) {
  const auto acme = acme_issuer(issuer);
  if (!acme) return std::unexpected(acme.error());
  {
    // What is signed with the old key afterwards would be refused, and the order given up for a day.
    const std::lock_guard lock(mutex_);
    for (const auto& [record, unit] : units_) {
      if (unit->busy && unit->state == ManagedCertificate::State::ordering && unit->target.wanted->issuer == issuer) {
        return base::fail(base::Code::refused,
                          fmt::format("{} is being ordered; try again when it is done", unit->target.wanted->name));
      }
    }
  }
  const auto client = clients_.of(*acme);
  auto rolled = as_result(accounts_.roll_over(*client, *acme, std::move(stop)));
  if (rolled) base::log::info("the ACME account has a new key", {{"issuer", issuer}});
  return rolled;
}

base::Result<void> Manager::Loop::deactivate_account(const std::string& issuer, std::stop_token stop) {
  const auto acme = acme_issuer(issuer);
  if (!acme) return std::unexpected(acme.error());
  const auto client = clients_.of(*acme);
  auto deactivated = as_result(accounts_.deactivate(*client, *acme, std::move(stop)));
  if (deactivated) base::log::info("the ACME account is deactivated", {{"issuer", issuer}});
  return deactivated;
}

std::vector<Finding> Manager::Loop::examine(std::stop_token stop) {
  std::vector<UnitPtr> units;
  IssuersPtr issuers;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [record, unit] : units_) units.push_back(unit);
    issuers = issuers_;
  }
  std::vector<Finding> all{examine_storage(options_.storage)};
  std::map<std::string, LookedAt> known;
  for (const UnitPtr& unit : units) {
    if (stop.stop_requested()) break;
    const Target& target = unit->target;
    if (target.key_type != target.wanted->key.types.front()) continue;
    const std::string& issuer = target.wanted->issuer;
    const auto found = issuers->find(issuer);
    const auto* acme = found == issuers->end() ? nullptr : std::get_if<config::AcmeIssuer>(&found->second);
    if (acme == nullptr) continue;
    auto ca = known.find(issuer);
    const bool first = ca == known.end();
    if (first) ca = known.emplace(issuer, look_at_ca(issuer, *acme, all, stop)).first;
    if (!ca->second.directory) continue;
    Preflight::Options options = options_.preflight;
    options.nameservers = acme->nameservers;
    options.http_port = acme->http_port;
    options.tls_port = acme->tls_port;
    auto findings = Preflight(options_.challenges, options_.clock, options)
                        .look(target.identifiers, target.wanted->challenge.value_or(acme->challenge),
                              *ca->second.directory, ca->second.account_url, stop);
    for (Finding& finding : findings) {
      // One clock, for all that this CA is asked for.
      if (finding.name.empty() && !first) continue;
      if (finding.name.empty()) finding.name = issuer;
      all.push_back(std::move(finding));
    }
  }
  return all;
}

// Now, not as it was remembered.
Manager::Loop::LookedAt Manager::Loop::look_at_ca(const std::string& issuer, const config::AcmeIssuer& acme,
                                                  std::vector<Finding>& findings, const std::stop_token& stop) {
  const auto client = clients_.of(acme);
  const auto directory = client->directory_anew(stop);
  if (!directory) {
    findings.push_back({"directory", issuer, Finding::Verdict::bad, directory.error().error.what});
    return {};
  }
  findings.push_back({"directory", issuer, Finding::Verdict::good, acme.directory + " answers"});
  LookedAt ca{*directory, {}};
  const auto signer = accounts_.open(*client, acme, stop);
  if (!signer) {
    findings.push_back({"account", issuer, Finding::Verdict::bad, signer.error().error.what});
    return ca;
  }
  ca.account_url = signer->account_url;
  if (const auto account = client->account(*signer, stop); !account) {
    findings.push_back({"account", issuer, Finding::Verdict::bad, account.error().error.what});
  } else {
    const bool good = account->status == Account::Status::valid;
    findings.push_back({"account", issuer, good ? Finding::Verdict::good : Finding::Verdict::bad,
                        fmt::format("{} is {}", signer->account_url, to_string(account->status))});
  }
  return ca;
}

}  // namespace acme
