#include "app/mirror_items.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "app/shown_certificate.h"
#include "azure/object_name.h"
#include "base/ascii.h"
#include "base/timestamps.h"
#include "certstore/choice.h"

namespace app {
namespace {

using azure::MirrorItem;
using certstore::CertificatePtr;

// A certificate, or why there is none.
struct Found {
  CertificatePtr certificate;
  std::string refusal;
};

std::string why_not_now(const certstore::Facts& facts, base::SystemTime now) {
  switch (certstore::validity_at(facts, now)) {
    case certstore::Validity::valid:
      return {};
    case certstore::Validity::not_yet_valid:
      return "it is not valid before " + base::to_rfc3339(facts.not_before);
    case certstore::Validity::expired:
      break;
  }
  return "it expired at " + base::to_rfc3339(facts.not_after);
}

// A mirror holds one certificate of a name. All that Azure knows of takes RSA.
CertificatePtr one_of(const certstore::CertPair& pair) {
  return pair.rsa != nullptr ? pair.rsa : pair.ecdsa;
}

CertificatePtr one_of(std::vector<CertificatePtr> certificates, base::SystemTime now) {
  std::erase(certificates, nullptr);
  return one_of(certstore::choose(certificates, now));
}

Found found_in(const certstore::CertificateStatus& status) {
  if (status.serving != nullptr) return {status.serving, {}};
  if (status.certificate != nullptr) return {status.certificate, "it is shown for no name"};
  return {nullptr, "it cannot be used: " + (status.problem.empty() ? "there is none yet" : status.problem)};
}

Found find(const std::string& name, const Observation& seen) {
  if (auto certificate = shown_certificate(name, seen)) return {std::move(certificate), {}};
  for (const certstore::CertificateStatus& status : seen.certificates) {
    if (status.id == name && !is_interim(status)) return found_in(status);
  }
  for (const acme::ManagedCertificate& managed : seen.managed) {
    if (managed.name != name && std::ranges::find(managed.hosts, name) == managed.hosts.end()) continue;
    if (auto certificate = one_of(managed.certificates, seen.now)) return {std::move(certificate), {}};
    return {nullptr, "nothing was issued yet" + (managed.problem.empty() ? std::string() : ": " + managed.problem)};
  }
  return {nullptr, "there is no certificate of this name, and none is shown for it"};
}

const std::vector<config::MirroredCertificate>& chosen_of(const config::Mirror& mirror) {
  return std::visit([](const auto& to) -> const auto& { return to.certificates; }, mirror.to);
}

std::string name_there(const config::ApplicationGatewayMirror& gateway, const std::string& certificate) {
  // The gateway reads it out of the vault under its name there.
  const bool in_vault = gateway.by == config::ApplicationGatewayMirror::By::key_vault;
  return azure::object_name(gateway.name_prefix, certificate, in_vault ? azure::vault_names : azure::gateway_names);
}

std::string name_there(const config::KeyVaultMirror& vault, const std::string& certificate) {
  return azure::object_name(vault.name_prefix, certificate, azure::vault_names);
}

std::string name_there(const config::Mirror& mirror, const std::string& certificate) {
  return std::visit([&](const auto& to) { return name_there(to, certificate); }, mirror.to);
}

// Whoever comes first must not have what another comes second with, and the other way round after a restart.
void refuse_those_of_one_name(std::vector<MirrorItem>& items) {
  std::map<std::string, std::vector<MirrorItem*>> by_name;  // which Azure compares without regard to case
  for (MirrorItem& item : items) by_name[base::lower_case(item.name)].push_back(&item);
  for (auto& [name, all] : by_name) {
    if (all.size() == 1) continue;
    for (MirrorItem* const item : all) {
      const MirrorItem* const other = item == all.front() ? all[1] : all.front();
      item->refusal =
          fmt::format("{} would be called {} there too, so neither is written: say `name` in the mirror's certificates",
                      other->certificate_name, other->name);
    }
  }
}

}  // namespace

std::vector<MirrorItem> mirror_items(const config::Mirror& mirror, const Observation& seen) {
  using Named = MirrorItem::Named;
  std::vector<MirrorItem> items;
  if (chosen_of(mirror).empty()) {
    for (const acme::ManagedCertificate& managed : seen.managed) {
      auto certificate = one_of(managed.certificates, seen.now);
      if (certificate == nullptr) continue;
      items.push_back({managed.name, name_there(mirror, managed.name), Named::by_us, std::move(certificate), {}});
    }
  }
  for (const config::MirroredCertificate& chosen : chosen_of(mirror)) {
    Found found = find(chosen.certificate, seen);
    const bool named = !chosen.name.empty();
    items.push_back({chosen.certificate, named ? chosen.name : name_there(mirror, chosen.certificate),
                     named ? Named::by_operator : Named::by_us, std::move(found.certificate),
                     std::move(found.refusal)});
  }
  for (MirrorItem& item : items) {
    if (item.refusal.empty()) item.refusal = why_not_now(item.certificate->facts(), seen.now);
  }
  refuse_those_of_one_name(items);
  return items;
}

std::string only_name_there(const config::ApplicationGatewayMirror& mirror) {
  if (mirror.certificates.size() != 1) return {};
  const config::MirroredCertificate& only = mirror.certificates.front();
  return only.name.empty() ? name_there(mirror, only.certificate) : only.name;
}

}  // namespace app
