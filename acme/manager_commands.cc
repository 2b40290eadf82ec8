// What people ask of the manager: accounts, a look at what the CA is going to find.
#include <map>
#include <utility>

#include <fmt/format.h>

#include "acme/manager_loop.h"
#include "base/log.h"

namespace acme {
namespace {

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

base::Result<void> Manager::Loop::roll_account_key_over(const std::string& issuer, std::stop_token stop) {
  const auto acme = acme_issuer(issuer);
  if (!acme) return std::unexpected(acme.error());
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
    auto findings = Preflight(options_.challenges, options_.clock, Preflight::options_for(*acme, options_.preflight))
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
