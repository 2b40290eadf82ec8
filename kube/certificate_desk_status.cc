// What became of each Certificate, as its status and its Events tell it.
#include <utility>

#include <fmt/format.h>

#include "acme/json_fields.h"
#include "base/log.h"
#include "base/timestamps.h"
#include "kube/certificate_desk.h"
#include "kube/certificate_status.h"
#include "kube/conditions.h"
#include "kube/object_status.h"
#include "kube/secret.h"

namespace kube {
namespace {

using State = acme::ManagedCertificate::State;

std::string time_of_trigger(const nlohmann::json& status) {
  const auto* conditions = acme::array_member(status, "conditions");
  if (conditions == nullptr) return {};
  for (const nlohmann::json& each : *conditions) {
    const std::string* type = acme::text_member(each, "type");
    const std::string* time = acme::text_member(each, "lastTransitionTime");
    if (type != nullptr && *type == "Issuing" && time != nullptr) return *time;
  }
  return {};
}

// Of all that a status is made from, so that nothing is done while nothing changes.
std::string stamp_of(const acme::ManagedCertificate* managed, const nlohmann::json& secret,
                     const std::optional<Refusal>& refusal, bool expired) {
  std::string stamp = fmt::format("{}|{}|{}", secret.is_null() ? "none" : metadata_text(secret, "resourceVersion"),
                                  refusal ? refusal->reason + refusal->message : "", expired);
  if (managed == nullptr) return stamp;
  const auto next =
      managed->state == State::issued && managed->next_action ? base::to_rfc3339(*managed->next_action) : std::string();
  return stamp + fmt::format("|{}|{}|{}|{}|{}", to_string(managed->state), managed->failures, managed->problem, next,
                             managed->order ? managed->order->url : "");
}

}  // namespace

void CertificateDesk::look_at_secret_of(Entry& entry, const std::stop_token& stop) {
  const ObjectName name = entry.object.secret();
  if (const auto seen = secrets_.find(name); seen != secrets_.end()) {
    entry.secret = seen->second;
  } else {
    auto got = parts_.client.get(resources::secrets, name, stop);
    if (!got && !got.error().not_found()) return;  // what was known holds
    if (got) keep_certificate(*got);
    entry.secret = got ? std::move(*got) : nlohmann::json();
  }
  entry.secret_looked = true;
  entry.sight = look_at_secret(entry.object, entry.secret);
}

void CertificateDesk::ask_for_renewal(Entry& entry, const acme::ManagedCertificate* managed) {
  if (managed == nullptr || entry.record.empty()) return;
  const std::string name = to_string(entry.object.metadata.name);
  if (is_triggered(entry.object.status) && !entry.just_written) {
    std::string time = time_of_trigger(entry.object.status);
    if (time != entry.trigger) {
      entry.trigger = std::move(time);
      base::log::info("renewed because somebody asked", {{"certificate", name}});
      (void)parts_.manager.renew(name);
    }
  }
  // What the manager has, and the Secret has no more: it was deleted, or somebody wrote into it.
  if (!entry.secret_looked || !entry.sight.violation || managed->state != State::issued) return;
  const std::string state = entry.secret.is_null() ? "none" : metadata_text(entry.secret, "resourceVersion");
  if (std::exchange(entry.renewal_of, state) == state) return;
  base::log::info("renewed because its Secret is not what it was",
                  {{"certificate", name}, {"reason", entry.sight.violation->reason}});
  (void)parts_.manager.renew(name);
}

void CertificateDesk::tell(const std::stop_token& stop) {
  const std::vector<acme::ManagedCertificate> all = parts_.manager.status();
  ManagedByName by_name;
  for (const acme::ManagedCertificate& managed : all) by_name.emplace(managed.name, &managed);
  if (!std::exchange(orders_swept_, true)) orders_.sweep(parts_.name_space, stop);
  for (auto& [name, entry] : entries_) {
    if (stop.stop_requested()) return;
    if (!is_ours(entry)) continue;
    const auto found = entry.record.empty() ? by_name.end() : by_name.find(to_string(name));
    const acme::ManagedCertificate* managed = found == by_name.end() ? nullptr : found->second;
    if (!entry.secret_looked) look_at_secret_of(entry, stop);
    if (!entry.secret_looked) continue;
    ask_for_renewal(entry, managed);
    // A cert-manager that is alive would take them for its own.
    if (managed != nullptr && !parts_.issuers.stands_aside()) {
      orders_.show(name, shown_order(entry.object, *managed), stop);
    }
    tell_one(entry, managed, stop);
  }
}

void CertificateDesk::tell_one(Entry& entry, const acme::ManagedCertificate* managed, const std::stop_token& stop) {
  const base::SystemTime now = parts_.client.clock().now();
  const bool expired = entry.sight.certificate && entry.sight.certificate->facts().not_after <= now;
  std::string stamp = stamp_of(managed, entry.secret, entry.refusal, expired);
  if (stamp == entry.stamp && !entry.just_written) return;
  const nlohmann::json before = entry.object.status;
  const nlohmann::json status = status_of(
      CertificateSight{.certificate = entry.object,
                       .secret = entry.sight,
                       .managed = managed,
                       .refusal = entry.refusal ? &*entry.refusal : nullptr,
                       .issued = entry.just_written ? CertificateSight::Issued::just_now : CertificateSight::Issued::no,
                       .now = now});
  if (const nlohmann::json patch = status_patch(before, status); !patch.is_null()) {
    const auto written = patch_status(parts_.client, resources::certificates, entry.object.metadata, patch, stop);
    if (!written && (written.error().conflict() || written.error().not_found())) return;  // the watch is going to tell
    if (!written) {
      base::log::warning(
          "the status of a certificate cannot be written",
          {{"certificate", to_string(entry.object.metadata.name)}, {"error", written.error().error.what}});
      if (!written.error().forbidden()) return;
    } else {
      entry.object.metadata.resource_version = metadata_text(*written, "resourceVersion");
    }
    entry.object.status = status;
  }
  entry.stamp = std::move(stamp);
  tell_events(entry, managed, before);
  entry.just_written = false;
}

void CertificateDesk::tell_events(Entry& entry, const acme::ManagedCertificate* managed, const nlohmann::json& before) {
  const ObjectRef& object = entry.object.reference;
  const auto issuing = condition_of(entry.object.status, "Issuing");
  if (issuing && issuing->status == "True") {
    const auto issuing_before = condition_of(before, "Issuing");
    if (!issuing_before || issuing_before->status != "True" || issuing_before->message != issuing->message) {
      const bool refused = entry.refusal && issuing->reason == entry.refusal->reason;
      event(object, refused ? NoticeType::warning : NoticeType::normal, refused ? issuing->reason : "Issuing",
            issuing->message);
    }
  }
  if (managed != nullptr && managed->order && !managed->order->url.empty() && managed->order->url != entry.order) {
    entry.order = managed->order->url;
    event(object, NoticeType::normal, "Requested", fmt::format("Created Order {}", entry.order));
  }
  if (managed != nullptr && managed->failures > entry.failures) {
    event(object, NoticeType::warning, "Failed",
          "The certificate request has failed to complete and will be retried: " + managed->problem);
  }
  entry.failures = managed == nullptr ? 0 : managed->failures;
  if (!entry.just_written) return;
  const bool reused = entry.object.key.rotation_policy == "Never" && before.contains("revision");
  event(object, NoticeType::normal, reused ? "Reused" : "Generated",
        reused ? fmt::format("Reusing private key stored in existing Secret resource \"{}\"", entry.object.secret_name)
               : fmt::format("Stored new private key in Secret resource \"{}\"", entry.object.secret_name));
  event(object, NoticeType::normal, "Issuing", "The certificate has been successfully issued");
}

}  // namespace kube
