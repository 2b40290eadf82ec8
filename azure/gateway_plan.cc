#include "azure/gateway_plan.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/json.h"
#include "certstore/name_lookup.h"
#include "certstore/secret_bytes.h"

namespace azure {
namespace {

using What = GatewayStep::What;

bool is_ours(std::string_view name, const GatewayRules& rules) {
  const std::string& prefix = rules.name_prefix;
  return !prefix.empty() && same_name(name.substr(0, prefix.size()), prefix);
}

bool is_wanted(std::string_view name, const std::vector<GatewayWant>& wanted) {
  return std::ranges::any_of(wanted, [&](const GatewayWant& want) { return same_name(want.name, name); });
}

bool has_host(const GatewayWant& want, const std::string& host) {
  return std::ranges::find(want.hosts, host) != want.hosts.end();
}

bool good_for(const GatewayWant& want, const std::string& host) {
  if (has_host(want, host)) return true;
  return !host.starts_with('*') && has_host(want, certstore::wildcard_above(host));
}

std::optional<What> step_for(const GatewayCertificate& there, const GatewayWant& want) {
  if (!same_name(there.key_vault_secret_id, want.key_vault_secret_id)) return What::replace;
  if (there.shows(want.fingerprint)) return std::nullopt;
  return want.key_vault_secret_id.empty() ? What::replace : What::hasten;
}

// Of two that are good for all hosts of a listener, the one that we would serve: the one with the hosts themselves
// beats a wildcard, then as certstore/choice has it. Between two that are as good, the one it has stays.
const GatewayWant* better_for(const GatewayListener& listener, const GatewayDocument& there, const GatewayWant& one,
                              const GatewayWant& other) {
  const auto rank = [&](const GatewayWant& want) {
    const bool exact =
        std::ranges::all_of(listener.hosts, [&](const std::string& host) { return has_host(want, host); });
    const bool has_it = same_name(listener.certificate_id, there.certificate_id(want.name));
    return std::tuple(exact, want.not_before, want.not_after, has_it, std::string_view(want.fingerprint));
  };
  return rank(one) < rank(other) ? &other : &one;
}

// The certificate that a listener is to refer to, or why there is none.
base::Result<const GatewayWant*> certificate_for(const GatewayListener& listener, const GatewayDocument& there,
                                                 const std::vector<GatewayWant>& wanted, const GatewayRules& rules) {
  const auto fault = [&](std::string_view what) {
    return base::fail(base::Code::invalid, fmt::format("the listener {} {}", listener.name, what));
  };
  if (!same_name(listener.protocol, "Https")) return fault("is not one for HTTPS");
  const GatewayWant* chosen = nullptr;
  if (listener.hosts.empty()) {
    if (rules.only.empty()) {
      return fault("is for any host: it is led only where the mirror's `certificates` name exactly one");
    }
    const auto only = std::ranges::find(wanted, rules.only, &GatewayWant::name);
    if (only != wanted.end()) chosen = &*only;
  } else {
    for (const GatewayWant& want : wanted) {
      const auto is_good = [&](const std::string& host) { return good_for(want, host); };
      if (!std::ranges::all_of(listener.hosts, is_good)) continue;
      chosen = chosen == nullptr ? &want : better_for(listener, there, *chosen, want);
    }
  }
  if (chosen == nullptr) return fault("has hosts that no certificate mirrored there is good for");
  if (chosen->use == GatewayWant::Use::leave) {
    return fault(fmt::format("is left as it is: {}, which is for it, cannot be written", chosen->name));
  }
  return chosen;
}

void plan_listeners(const GatewayDocument& there, const std::vector<GatewayWant>& wanted, const GatewayRules& rules,
                    GatewayPlan& plan) {
  for (const std::string& name : rules.listeners) {
    const auto place = there.listener(name);
    if (!place) {
      plan.problems.push_back(fmt::format("the gateway has no listener {}", name));
      continue;
    }
    const GatewayListener& listener = there.listeners()[*place];
    const auto chosen = certificate_for(listener, there, wanted, rules);
    if (!chosen) {
      plan.problems.push_back(chosen.error().what);
    } else if (!same_name(listener.certificate_id, there.certificate_id((*chosen)->name))) {
      plan.steps.push_back({What::refer, listener.name, (*chosen)->name});
    }
  }
}

SecretText with_upload(const UploadedPfx& upload) {
  std::string data = base::to_base64({reinterpret_cast<const char*>(upload.bytes.data()), upload.bytes.size()});
  const certstore::WipedAtEnd wiped(data);
  SecretText text;
  text.append(R"({"data":")").append(data).append(R"(","password":")").append(upload.password).append("\"}");
  return text;
}

// What a certificate of ours is to be; what its element had besides name, id and properties stays.
base::Result<SecretText> element_of(const GatewayDocument& there, std::optional<std::size_t> place,
                                    const GatewayWant& want, const std::map<std::string, UploadedPfx>& uploads) {
  SecretText text;
  if (want.key_vault_secret_id.empty()) {
    const auto upload = uploads.find(want.name);
    if (upload == uploads.end()) {
      return base::fail(base::Code::internal, fmt::format("certificate {}: nothing to upload", want.name));
    }
    text = with_upload(upload->second);
  } else {
    text = base::json_line(nlohmann::json{{"keyVaultSecretId", want.key_vault_secret_id}});
  }
  if (!place) {
    SecretText element(R"({"name":)");
    element.append(base::json_line(nlohmann::json(want.name))).append(",\"properties\":").append(text).append("}");
    return element;
  }
  const JsonText& json = there.places();
  const Span element = json.elements(*json.member(*json.member(json.whole(), "properties"), "sslCertificates"))[*place];
  const auto before = json.member(element, "properties");
  const auto made = json.edited({before ? Edit{*before, text} : json.added_member(element, "properties", text)});
  if (!made) return std::unexpected(made.error());
  const SecretText& whole = *made;
  // The element alone, out of the document that was edited in no other place.
  const std::size_t behind = json.text().size() - element.end;
  return whole.substr(element.begin, whole.size() - behind - element.begin);
}

base::Result<ElementChanges> certificate_changes(const GatewayDocument& there, const std::vector<GatewayWant>& wanted,
                                                 const GatewayPlan& plan,
                                                 const std::map<std::string, UploadedPfx>& uploads) {
  ElementChanges changes;
  for (const GatewayStep& step : plan.steps) {
    const auto place = there.certificate(step.name);
    if (step.what == What::prune && place) changes.removed.insert(*place);
    if (!writes_certificate(step.what)) continue;
    const auto want = std::ranges::find(wanted, step.name, &GatewayWant::name);
    if (want == wanted.end()) return base::fail(base::Code::internal, "a plan for a certificate that is not wanted");
    auto element = element_of(there, place, *want, uploads);
    if (!element) return std::unexpected(std::move(element.error()));
    if (place) {
      changes.replaced[*place] = *std::move(element);
    } else {
      changes.added.push_back(*std::move(element));
    }
  }
  return changes;
}

std::vector<Edit> listener_edits(const GatewayDocument& there, const GatewayPlan& plan, Span properties) {
  std::vector<Edit> edits;
  const JsonText& json = there.places();
  const auto listeners = json.member(properties, "httpListeners");
  for (const GatewayStep& step : plan.steps) {
    const auto place = there.listener(step.name);
    if (step.what != What::refer || !place || !listeners) continue;
    const auto inside = json.member(json.elements(*listeners)[*place], "properties");
    if (!inside) continue;
    const SecretText reference(base::json_line(nlohmann::json{{"id", there.certificate_id(step.to)}}));
    const auto before = json.member(*inside, "sslCertificate");
    edits.push_back(before ? Edit{*before, reference} : json.added_member(*inside, "sslCertificate", reference));
  }
  return edits;
}

// One that is there already.
void plan_certificate(const GatewayDocument& there, const GatewayCertificate& certificate, const GatewayWant& want,
                      const GatewayRound& round, GatewayPlan& plan) {
  const bool same_place = same_name(certificate.key_vault_secret_id, want.key_vault_secret_id);
  const bool unchecked = same_place && certificate.fingerprints.empty() && round.taken && round.taken(want);
  const auto step = step_for(certificate, want);
  if (step && !unchecked) {
    plan.steps.push_back({*step, want.name});
    return;
  }
  if (unchecked) plan.unchecked.push_back(want.name);
  if (!there.failed() || there.updating()) return;
  if (round.mend == GatewayRound::Mend::now) {
    plan.steps.push_back({want.key_vault_secret_id.empty() ? What::mend : What::hasten, want.name});
  } else {
    plan.doubtful.push_back(want.name);
  }
}

}  // namespace

bool writes_certificate(GatewayStep::What what) noexcept {
  return what == What::add || what == What::replace || what == What::mend;
}

GatewayPlan plan_gateway(const GatewayDocument& there, const std::vector<GatewayWant>& wanted,
                         const GatewayRules& rules, const GatewayRound& round) {
  GatewayPlan plan;
  for (const std::string& name : prunable(there, wanted, rules)) {
    if (round.prune.contains(name)) plan.steps.push_back({What::prune, name});
  }
  std::size_t count = there.certificates().size() - plan.steps.size();
  std::vector<GatewayWant> all = wanted;
  for (GatewayWant& want : all) {
    if (want.use == GatewayWant::Use::leave) continue;
    const auto place = there.certificate(want.name);
    if (!place && count >= most_gateway_certificates) {
      plan.problems.push_back(
          fmt::format("the gateway has {} certificates and takes no more: {} is left out", count, want.name));
      want.use = GatewayWant::Use::leave;
      continue;
    }
    if (!place) {
      ++count;
      plan.steps.push_back({What::add, want.name});
      continue;
    }
    plan_certificate(there, there.certificates()[*place], want, round, plan);
  }
  plan_listeners(there, all, rules, plan);
  return plan;
}

std::vector<std::string> prunable(const GatewayDocument& there, const std::vector<GatewayWant>& wanted,
                                  const GatewayRules& rules) {
  std::vector<std::string> names;
  for (const GatewayCertificate& certificate : there.certificates()) {
    // Without an id nobody can know whether something refers to it.
    const bool free = !certificate.id.empty() && !certificate.referenced;
    if (free && is_ours(certificate.name, rules) && !is_wanted(certificate.name, wanted)) {
      names.push_back(certificate.name);
    }
  }
  return names;
}

base::Result<SecretText> rebuilt(const GatewayDocument& there, const std::vector<GatewayWant>& wanted,
                                 const GatewayPlan& plan, const std::map<std::string, UploadedPfx>& uploads) {
  const JsonText& json = there.places();
  const auto properties = json.member(json.whole(), "properties");
  if (!properties) return base::fail(base::Code::protocol, "application gateway: no properties");
  auto changes = certificate_changes(there, wanted, plan, uploads);
  if (!changes) return std::unexpected(std::move(changes.error()));
  std::vector<Edit> edits = listener_edits(there, plan, *properties);
  if (!changes->empty()) {
    const auto list = json.member(*properties, "sslCertificates");
    if (list && json.at(*list) != "null") {
      std::ranges::move(json.changed_elements(*list, *changes), std::back_inserter(edits));
    } else {
      const SecretText all = '[' + joined(changes->added) + ']';
      edits.push_back(list ? Edit{*list, all} : json.added_member(*properties, "sslCertificates", all));
    }
  }
  return json.edited(std::move(edits));
}

std::string_view to_string(GatewayStep::What what) noexcept {
  switch (what) {
    case What::add:
      return "add";
    case What::replace:
      return "replace";
    case What::mend:
      return "mend";
    case What::hasten:
      return "hasten";
    case What::refer:
      return "refer";
    case What::prune:
      return "prune";
  }
  return "";
}

}  // namespace azure
