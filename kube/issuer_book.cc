#include "kube/issuer_book.h"

#include <utility>

#include <fmt/format.h>

#include "acme/csr.h"
#include "acme/json_fields.h"
#include "base/base64.h"
#include "base/log.h"
#include "certstore/secret_bytes.h"
#include "certstore/signing_authority.h"
#include "kube/certificate_status.h"
#include "kube/conditions.h"
#include "kube/object_status.h"
#include "kube/own_labels.h"

namespace kube {
namespace {

constexpr std::chrono::seconds look_again{60};  // Secrets are replaced
constexpr std::chrono::seconds look_after_refusal{5};
constexpr auto marked = "sekisho.io/issuer";  // sekisho or cert-manager

std::unexpected<Refusal> refuse(const char* reason, std::string message) {
  return std::unexpected(Refusal{reason, std::move(message)});
}

std::string mark_of(const IssuerObject& issuer) {
  const auto found = issuer.metadata.annotations.find(marked);
  return found == issuer.metadata.annotations.end() ? "" : found->second;
}

// As much of an object as can be said of one that cannot be read.
IssuerObject bare(const Resource& resource, const nlohmann::json& object) {
  ObjectFaults faults;
  const ObjectFields fields(object, "", faults);
  IssuerObject issuer = read_issuer_beside_spec(resource, object, fields);
  issuer.spec = ForeignIssuerSpec{"what cannot be read"};
  return issuer;
}

}  // namespace

void IssuerBook::take(const Resource& resource, const ObjectInbox::News& news) {
  for (const auto& [name, object] : news) {
    changed_ = true;
    if (!object) {
      IssuerObject gone;
      gone.metadata.name = name;
      const std::string key = issuer_key(gone);
      parts_.registrar.forget(key);
      entries_.erase(key);
      continue;
    }
    auto read = read_issuer(resource, *object);
    std::optional<Refusal> unreadable;
    if (!read) unreadable = Refusal{"InvalidConfig", to_string(read.error())};
    IssuerObject issuer = read ? std::move(*read) : bare(resource, *object);
    Entry& entry = entries_[issuer_key(issuer)];
    const bool same = entry.resource != nullptr && entry.known.object.generation == issuer.generation &&
                      entry.known.object.metadata.annotations == issuer.metadata.annotations;
    entry.resource = &resource;
    entry.unreadable = std::move(unreadable);
    entry.known.object = std::move(issuer);
    if (!same) entry.next = {};
  }
}

void IssuerBook::stand_aside(bool aside) {
  if (std::exchange(aside_, aside) == aside) return;
  for (auto& [key, entry] : entries_) entry.next = {};
}

const KnownIssuer* IssuerBook::find(const std::string& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second.known;
}

bool IssuerBook::look(const std::stop_token& stop) {
  const auto now = parts_.client.clock().steady();
  const bool all = now >= all_at_;
  if (all) all_at_ = now + look_again;
  for (auto& [key, entry] : entries_) {
    if (stop.stop_requested()) return false;
    if (all || now >= entry.next) look_at(entry, stop);
  }
  if (all) files_.sweep(named());
  return std::exchange(changed_, false);
}

// Also by those whose Secrets could not be read this time.
std::set<std::filesystem::path> IssuerBook::named() const {
  std::set<std::filesystem::path> paths;
  for (const auto& [key, entry] : entries_) {
    const IssuerMaterials& known = entry.known.materials;
    for (const auto* path :
         {&known.ca_certificates, &known.account_key, &known.hmac_key, &known.ca_certificate, &known.ca_key}) {
      if (!path->empty()) paths.insert(*path);
    }
    for (const auto& [secret, path] : known.solver_secrets) paths.insert(path);
  }
  return paths;
}

void IssuerBook::look_at(Entry& entry, const std::stop_token& stop) {
  const auto now = parts_.client.clock().steady();
  unsure_ = false;
  KnownIssuer next{.object = entry.known.object, .materials = {}, .ca_pem = {}, .refusal = {}, .account_url = {}};
  const std::string mark = mark_of(next.object);
  next.aside = mark == "cert-manager" || (aside_ && mark != "sekisho");
  std::expected<void, Refusal> good = entry.unreadable ? std::unexpected(*entry.unreadable) : check_issuer(next.object);
  if (good && !next.aside) {
    if (const auto* acme = std::get_if<AcmeIssuerSpec>(&next.object.spec)) {
      good = read_account(next.object, *acme, next, stop);
      if (good) {
        good = register_account(issuer_key(next.object), *acme, next);
      } else if (!unsure_) {
        parts_.registrar.forget(issuer_key(next.object));  // whom it asked with is gone
      }
    } else if (const auto* ca = std::get_if<CaIssuerSpec>(&next.object.spec)) {
      good = read_ca(next.object, *ca, next, stop);
    }
  }
  if (unsure_ || stop.stop_requested()) {  // what was known holds
    entry.next = now + look_after_refusal;
    return;
  }
  if (!good) next.refusal = good.error();
  const bool waits = std::holds_alternative<AcmeIssuerSpec>(next.object.spec) && next.account_url.empty();
  entry.next = now + (next.refusal || waits ? look_after_refusal : look_again);
  // An account that is on its way is looked at with every pass: the registrar keeps the answer.
  if (waits && !next.refusal) entry.next = now;
  changed_ = changed_ || next.refusal != entry.known.refusal || !(next.materials == entry.known.materials) ||
             next.account_url != entry.known.account_url || next.aside != entry.known.aside;
  entry.known = std::move(next);
  if (!entry.known.aside) tell(entry, stop);
}

base::Result<std::string> IssuerBook::value_of(const ObjectName& secret, const std::string& key,
                                               const std::stop_token& stop) {
  const auto object = parts_.client.get(resources::secrets, secret, stop);
  if (!object && object.error().not_found()) {
    return base::fail(base::Code::not_found, fmt::format("the Secret {} does not exist", to_string(secret)));
  }
  if (!object) {
    unsure_ = !object.error().forbidden();
    return std::unexpected(base::Error(object.error().error).in("Secret " + to_string(secret)));
  }
  const auto* data = acme::member(*object, "data");
  const std::string* text = data == nullptr ? nullptr : acme::text_member(*data, key);
  auto value = text == nullptr ? std::nullopt : base::from_base64(*text);
  if (!value || value->empty()) {
    return base::fail(base::Code::invalid, fmt::format("the Secret {} holds no {}", to_string(secret), key));
  }
  return std::move(*value);
}

// Made where it is missing, before any CA hears of it.
base::Result<std::string> IssuerBook::account_key(const ObjectName& secret, const AcmeIssuerSpec& acme,
                                                  const std::stop_token& stop) {
  auto there = value_of(secret, acme.account_key.key, stop);
  if (there || there.error().code != base::Code::not_found || !acme.may_make_key) return there;
  // RSA, for a cert-manager takes nothing else should the cluster go back to one.
  auto made = acme::make_certificate_key(config::CertificateKey::Type::rsa, 2048);
  if (!made) return made;
  const nlohmann::json object{{"apiVersion", "v1"},
                              {"kind", "Secret"},
                              {"metadata",
                               {{"name", secret.name},
                                {"namespace", secret.name_space},
                                {"labels", {{labels::managed_by, "sekisho"}, {labels::backup, "true"}}}}},
                              {"type", "Opaque"},
                              {"data", {{acme.account_key.key, base::to_base64(*made)}}}};
  const auto created = parts_.client.create(resources::secrets, object, stop);
  if (created) return made;
  if (created.error().conflict()) return value_of(secret, acme.account_key.key, stop);
  return std::unexpected(base::Error(created.error().error).in("Secret " + to_string(secret)));
}

std::expected<void, Refusal> IssuerBook::read_account(const IssuerObject& issuer, const AcmeIssuerSpec& acme,
                                                      KnownIssuer& into, const std::stop_token& stop) {
  constexpr auto reason = "ErrRegisterACMEAccount";
  const std::string name_space = secrets_namespace(issuer, parts_.rules);
  std::string problem;
  const auto keep = [&](base::Result<std::string> value, std::filesystem::path& path) {
    if (value) {
      const certstore::WipedAtEnd wiped(*value);
      auto file = files_.path_of(*value);
      if (file) path = std::move(*file);
      if (!file) problem = file.error().what;
    } else if (problem.empty()) {
      problem = value.error().what;
    }
  };
  keep(account_key({name_space, acme.account_key.name}, acme, stop), into.materials.account_key);
  if (!acme.ca_bundle.empty()) keep(acme.ca_bundle, into.materials.ca_certificates);
  if (acme.external_account) {
    const SecretKeyRef& key = acme.external_account->hmac_key;
    keep(value_of({name_space, key.name}, key.key, stop), into.materials.hmac_key);
  }
  if (!problem.empty()) return refuse(reason, "Failed to register ACME account: " + problem);
  for (const ChallengeSolver& solver : acme.solvers) {
    const SecretKeyRef* key = solver.secret();
    if (key == nullptr) continue;
    keep(value_of({name_space, key->name}, key->key, stop), into.materials.solver_secrets[*key]);
  }
  if (!problem.empty()) return refuse("ErrInitSolver", "Error initializing DNS provider: " + problem);
  return {};
}

std::expected<void, Refusal> IssuerBook::register_account(const std::string& key, const AcmeIssuerSpec& acme,
                                                          KnownIssuer& into) {
  const auto answer = parts_.registrar.ask(key, plan_account(into.object, acme, into.materials, parts_.rules));
  if (!answer) return {};
  if (*answer) {
    into.account_url = **answer;
    return {};
  }
  return refuse("ErrRegisterACMEAccount", fmt::format("Failed to register ACME account: ACME account registration "
                                                      "failed: {}",
                                                      answer->error().what));
}

std::expected<void, Refusal> IssuerBook::read_ca(const IssuerObject& issuer, const CaIssuerSpec& ca, KnownIssuer& into,
                                                 const std::stop_token& stop) {
  const ObjectName secret{secrets_namespace(issuer, parts_.rules), ca.secret_name};
  auto certificate = value_of(secret, "tls.crt", stop);
  auto key = certificate ? value_of(secret, "tls.key", stop) : std::unexpected(certificate.error());
  if (!key) return refuse("ErrGetKeyPair", "Error getting keypair for CA issuer: " + key.error().what);
  const certstore::WipedAtEnd wiped(*key);
  auto certificate_file = files_.path_of(*certificate);
  auto key_file = files_.path_of(*key);
  if (!certificate_file || !key_file) {
    return refuse("ErrGetKeyPair", "Error getting keypair for CA issuer: no memory for it");
  }
  const auto authority = certstore::SigningAuthority::load(*certificate_file, *key_file);
  if (!authority) {
    return refuse("ErrInvalidKeyPair", fmt::format("Error getting keypair for CA issuer: the Secret {}: {}",
                                                   to_string(secret), authority.error().what));
  }
  into.materials.ca_certificate = std::move(*certificate_file);
  into.materials.ca_key = std::move(*key_file);
  into.ca_pem = value_of(secret, "ca.crt", stop).value_or(*certificate);
  return {};
}

void IssuerBook::tell(Entry& entry, const std::stop_token& stop) {
  KnownIssuer& known = entry.known;
  const Refusal* refusal = known.refusal ? &*known.refusal : nullptr;
  const nlohmann::json status = status_of(IssuerSight{.issuer = known.object,
                                                      .refusal = refusal,
                                                      .account_url = known.account_url,
                                                      .now = parts_.client.clock().now()});
  const auto before = condition_of(known.object.status, "Ready");
  const nlohmann::json patch = status_patch(known.object.status, status);
  if (patch.is_null()) return;
  auto written = patch_status(parts_.client, *entry.resource, known.object.metadata, patch, stop);
  if (!written) {
    if (!written.error().conflict()) {
      base::log::warning("the status of an issuer cannot be written",
                         {{"issuer", to_string(known.object.metadata.name)}, {"error", written.error().error.what}});
    }
    return;
  }
  known.object.status = status;
  known.object.metadata.resource_version = metadata_text(*written, "resourceVersion");
  const auto now = condition_of(status, "Ready");
  if (!now || (before && before->reason == now->reason && before->status == now->status)) return;
  parts_.events.tell({.object = known.object.reference,
                      .type = now->status == "True" ? NoticeType::normal : NoticeType::warning,
                      .reason = now->reason,
                      .message = now->message.empty() ? "The issuer can be used" : now->message});
}

}  // namespace kube
