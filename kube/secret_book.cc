#include "kube/secret_book.h"

#include <fmt/format.h>

#include <functional>
#include <string_view>
#include <utility>

namespace kube {
namespace {

constexpr auto vault_object_gone = "it is gone, or says nothing of this Secret any more";

std::string_view as_text(const certstore::SecretBytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::set<std::string> hosts_of(const IngressPlan& plan) {
  std::set<std::string> hosts;
  for (const TlsClaim& claim : plan.tls) hosts.insert(claim.host);
  return hosts;
}

using Names = std::set<std::string, std::less<>>;

bool is_for(const Names& names, std::string_view host) {
  const std::size_t dot = host.find('.');
  return names.contains(host) || (dot != std::string_view::npos && names.contains("*" + std::string(host.substr(dot))));
}

}  // namespace

void SecretBook::upsert(Secret secret) {
  const ObjectName name = secret.metadata.name;
  if (!secret.holds_pair() && !uses_.contains(name) && secret.type != "kubernetes.io/tls") {
    remove(name);
    return;
  }
  Kept& kept = secrets_[name];
  const bool same = kept.problem.empty() && kept.secret.certificate == secret.certificate &&
                    kept.secret.key == secret.key && kept.secret.metadata.uid == secret.metadata.uid;
  kept.secret = std::move(secret);
  kept.secret.metadata.labels.clear();  // what nobody here reads
  kept.secret.metadata.annotations.clear();
  kept.secret.ca_certificates = {};
  kept.problem.clear();
  if (!same) touched_.insert(name);
}

void SecretBook::upsert_invalid(const ObjectName& name, std::string problem) {
  secrets_[name] = {.problem = std::move(problem)};
  touched_.insert(name);
}

void SecretBook::remove(const ObjectName& name) {
  if (secrets_.erase(name) > 0) touched_.insert(name);
}

void SecretBook::claim(const ObjectName& name, std::optional<VaultClaim> claim) {
  touched_.insert(name);
  if (claim) {
    vaults_.insert_or_assign(name, *std::move(claim));
    return;
  }
  const auto known = vaults_.find(name);
  if (known == vaults_.end()) return;
  if (!published_vaults_.contains(name)) {
    vaults_.erase(known);
    return;
  }
  // As with a Secret that is deleted while an Ingress names it: the last good certificate stays.
  known->second.read = {};
  known->second.problem = vault_object_gone;
  known->second.concern = VaultClaim::Concern::foreign;
}

bool SecretBook::is_elsewhere(const ObjectName& name) const {
  const auto vault = vaults_.find(name);
  return vault != vaults_.end() && vault->second.problem.empty() && !secrets_.contains(name) && !good_.contains(name);
}

void SecretBook::hide(const ObjectName& name, Changes& changes) {
  if (published_.erase(name) > 0) changes.secrets_gone.insert(name);
  good_.erase(name);
  changes.secrets.erase(name);
}

void SecretBook::hide_vault(const ObjectName& name) {
  if (published_vaults_.erase(name) > 0) vault_changes_.insert_or_assign(name, std::nullopt);
  const auto vault = vaults_.find(name);
  if (vault != vaults_.end() && vault->second.problem == vault_object_gone) vaults_.erase(vault);
}

void SecretBook::show_vault(const ObjectName& name, const ServedSecret& served, std::set<Notice>& said) {
  const auto found = vaults_.find(name);
  if (found == vaults_.end()) return;
  const VaultClaim& claim = found->second;
  const bool is_good = served.certificate.has_value();
  // What another tool does well is its own matter.
  if (is_good && claim.concern == VaultClaim::Concern::foreign) return hide_vault(name);
  published_vaults_.insert(name);
  vault_changes_.insert_or_assign(name, ServedVault{claim, served.hosts, is_good});
  if (claim.problem.empty()) return;
  for (const Use& use : uses_.at(name)) {
    said.insert({use.user, NoticeType::warning, reasons::invalid_vault_object,
                 fmt::format("{} {}: {}", claim.object.kind, to_string(claim.object.name), claim.problem)});
  }
}

void SecretBook::add(const PlanPtr& plan) {
  for (const std::string& host : hosts_of(*plan)) {
    claims_[host][plan->seniority] = {.plan = plan, .of_host = {}};
    touched_hosts_.insert(host);
  }
  for (const TlsClaim& claim : plan->tls) claims_.at(claim.host).at(plan->seniority).of_host.push_back(&claim);
}

void SecretBook::remove(const PlanPtr& plan) {
  for (const std::string& host : hosts_of(*plan)) {
    claims_[host].erase(plan->seniority);
    touched_hosts_.insert(host);
  }
}

void SecretBook::take(Changes& changes, NoticeBoard& notices, Work& work) {
  for (const std::string& host : std::exchange(touched_hosts_, {})) decide_host(host, notices);
  for (const ObjectName& name : std::exchange(touched_, {})) show(name, changes, notices, work);
}

// The namespace of the oldest Ingress that names a Secret for the host has it; nobody else can show another certificate
// for a host by naming it too.
void SecretBook::decide_host(const std::string& host, NoticeBoard& notices) {
  for (const ObjectName& name : shown_[host]) {
    std::set<Use>& uses = uses_[name];
    // In the order of their hosts.
    const auto first = uses.lower_bound(Use{.host = host, .user = {}, .filled = {}});
    auto last = first;
    while (last != uses.end() && last->host == host) ++last;
    uses.erase(first, last);
    touched_.insert(name);
  }
  shown_.erase(host);
  std::vector<Notice> said;
  const auto claims = claims_.find(host);
  if (claims != claims_.end() && claims->second.empty())
    claims_.erase(claims);
  else if (claims != claims_.end()) {
    const IngressPlan& owner = *claims->second.begin()->second.plan;
    for (const auto& [seniority, claim] : claims->second) {
      const PlanPtr& plan = claim.plan;
      const bool allowed = seniority.name.name_space == owner.seniority.name.name_space;
      if (!allowed) {
        said.push_back({plan->ingress, NoticeType::warning, reasons::tls_host_taken,
                        fmt::format("the certificate of host {} is the matter of Ingress {}, which is older", host,
                                    to_string(owner.ingress.name))});
        continue;
      }
      for (const TlsClaim* named : claim.of_host) {
        shown_[host].insert(named->secret);
        uses_[named->secret].insert({host, plan->ingress, named->filled});
        touched_.insert(named->secret);
      }
    }
  }
  notices.set("TLS host " + host, std::move(said));
}

void SecretBook::show(const ObjectName& name, Changes& changes, NoticeBoard& notices, Work& work) {
  const std::string giver = "Secret " + to_string(name);
  const auto uses = uses_.find(name);
  if (uses == uses_.end() || uses->second.empty()) {
    if (uses != uses_.end()) uses_.erase(uses);
    hide(name, changes);
    hide_vault(name);
    notices.set(giver, {});
    return;
  }
  ++work.secrets;
  ServedSecret served{.certificate = read(name)};
  Names names;
  if (served.certificate) {
    const auto& of_certificate = (*served.certificate)->facts().dns_names;
    names.insert(of_certificate.begin(), of_certificate.end());
  }
  const bool elsewhere = is_elsewhere(name);
  std::set<Notice> said;
  for (const Use& use : uses->second) {
    if (served.hosts.empty() || served.hosts.back() != use.host) served.hosts.push_back(use.host);
    Notice notice{.object = use.user};
    if (served.certificate) {
      if (is_for(names, use.host)) continue;
      notice.reason = reasons::name_mismatch;
      notice.message = fmt::format("the certificate in Secret {} is not for host {}", to_string(name), use.host);
    } else {
      const bool missing = served.certificate.error().code == base::Code::not_found;
      if (missing && (elsewhere || use.filled == TlsClaim::Filled::by_issuer)) continue;
      notice.reason = missing ? reasons::secret_not_found : reasons::invalid_secret;
      notice.message = served.certificate.error().what;
    }
    said.insert(std::move(notice));
  }
  show_vault(name, served, said);
  notices.set(giver, {said.begin(), said.end()});
  if (elsewhere) return hide(name, changes);
  published_.insert(name);
  if (served.certificate) good_.insert(name);
  changes.secrets_gone.erase(name);
  changes.secrets.insert_or_assign(name, std::move(served));
}

base::Result<certstore::CertificatePtr> SecretBook::read(const ObjectName& name) const {
  const auto found = secrets_.find(name);
  const std::string what = "Secret " + to_string(name);
  if (found == secrets_.end()) return base::fail(base::Code::not_found, what + " is not there", base::Origin::control);
  const auto& [secret, problem] = found->second;
  if (!problem.empty()) return base::fail(base::Code::invalid, what + ": " + problem, base::Origin::control);
  if (!secret.holds_pair()) {
    return base::fail(base::Code::invalid, what + " has no tls.crt and tls.key", base::Origin::control);
  }
  if (secret.certificate.size() + secret.key.size() > largest_pair) {
    return base::fail(base::Code::too_large, what + " is larger than 64 KiB", base::Origin::control);
  }
  auto parsed = certstore::Certificate::from_pem(as_text(secret.certificate), as_text(secret.key));
  if (!parsed) return std::unexpected(std::move(parsed.error()).in(what));
  return parsed;
}

std::vector<ObjectName> SecretBook::wanted() const {
  std::vector<ObjectName> names;
  for (const auto& [name, uses] : uses_) {
    if (!uses.empty()) names.push_back(name);
  }
  return names;
}

}  // namespace kube
