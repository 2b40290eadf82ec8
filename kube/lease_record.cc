#include "kube/lease_record.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "base/timestamps.h"
#include "kube/client.h"

namespace kube {
namespace {

std::int64_t number_at(const nlohmann::json& object, std::string_view name) {
  const nlohmann::json* number = acme::member(object, name);
  return number != nullptr && number->is_number_integer() ? number->get<std::int64_t>() : 0;
}

}  // namespace

std::string micro_time(base::SystemTime time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto micros = std::chrono::floor<std::chrono::microseconds>(time - whole);
  std::string text = base::to_rfc3339(time);
  text.pop_back();  // the Z
  return text + fmt::format(".{:06}Z", micros.count());
}

LeaseRecord lease_from(const nlohmann::json& object) {
  LeaseRecord lease{.name = name_of(object),
                    .resource_version = metadata_text(object, "resourceVersion"),
                    .uid = metadata_text(object, "uid")};
  const nlohmann::json* spec = acme::member(object, "spec");
  if (spec == nullptr) return lease;
  if (const std::string* holder = acme::text_member(*spec, "holderIdentity")) lease.holder = *holder;
  lease.duration = std::chrono::seconds(std::clamp<std::int64_t>(number_at(*spec, "leaseDurationSeconds"), 0, 86'400));
  lease.acquired = acme::time_member(*spec, "acquireTime").value_or(base::SystemTime{});
  lease.renewed = acme::time_member(*spec, "renewTime").value_or(base::SystemTime{});
  lease.transitions =
      static_cast<int>(std::clamp<std::int64_t>(number_at(*spec, "leaseTransitions"), 0, 1'000'000'000));
  return lease;
}

nlohmann::json to_json(const LeaseRecord& lease) {
  nlohmann::json metadata{{"name", lease.name.name},
                          {"namespace", lease.name.name_space},
                          {"labels", {{"app.kubernetes.io/managed-by", "sekisho"}}}};
  if (!lease.resource_version.empty()) metadata["resourceVersion"] = lease.resource_version;
  nlohmann::json spec{{"holderIdentity", lease.holder},
                      {"leaseDurationSeconds", std::max<std::int64_t>(1, lease.duration.count())},
                      {"acquireTime", micro_time(lease.acquired)},
                      {"renewTime", micro_time(lease.renewed)},
                      {"leaseTransitions", lease.transitions}};
  return {{"apiVersion", "coordination.k8s.io/v1"},
          {"kind", "Lease"},
          {"metadata", std::move(metadata)},
          {"spec", std::move(spec)}};
}

bool LeaseObserver::free(const LeaseRecord& lease, base::SteadyTime now) {
  const std::string looks =
      fmt::format("{}/{}/{}", lease.uid, lease.resource_version, lease.renewed.time_since_epoch().count());
  if (looks != seen_) {
    seen_ = looks;
    since_ = now;
  }
  return lease.holder.empty() || now - since_ > lease.duration;
}

}  // namespace kube
