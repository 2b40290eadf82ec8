#include "app/cluster_questions.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "app/api.h"
#include "app/cluster_vaults.h"
#include "base/timestamps.h"
#include "certstore/host_name.h"
#include "kube/issuing_chart.h"
#include "kube/stop_after.h"

namespace app {
namespace {

using kube::ChartLink;
using State = ChartLink::State;
using Links = std::vector<ChartLink>;

constexpr std::string_view path = "/api/chain";
constexpr std::chrono::seconds longest_chain{15};
// An Ingress of each of them names another Secret for the host; the first is the one that is served.
constexpr std::size_t most_secrets = 4;

AdminAnswer answer_of(unsigned status, const Json& body) {
  return {status, "application/json", dump(body)};
}

// The last link: what a client is shown now, beside what is in the Secret.
ChartLink served_link(const Observation& seen, const std::string& host, const Links& before,
                      const std::vector<certstore::CertificatePtr>& held) {
  const auto* index = seen.snapshot ? seen.snapshot->certificates.get() : nullptr;
  const certstore::CertPair* pair = index == nullptr ? nullptr : index->find(host);
  if (pair == nullptr) {
    return {"served", host, State::bad, "no certificate is served for it", "the first link above that is bad says why"};
  }
  const certstore::CertificatePtr& first = pair->ecdsa ? pair->ecdsa : pair->rsa;
  std::string text =
      fmt::format("certificate {} until {}", first->fingerprint(), base::to_rfc3339(first->facts().not_after));
  const bool in_secret = std::ranges::any_of(held, [&](const certstore::CertificatePtr& one) {
    return (pair->ecdsa && pair->ecdsa->fingerprint() == one->fingerprint()) ||
           (pair->rsa && pair->rsa->fingerprint() == one->fingerprint());
  });
  const bool over = first->facts().not_after <= seen.now;
  if (in_secret || held.empty()) {
    const bool ill = std::ranges::any_of(before, [](const ChartLink& link) { return link.state == State::bad; });
    if (!in_secret) text += ": the last good one, or one from elsewhere";
    return {"served", host, over ? State::bad : State::good, std::move(text),
            over || ill ? "the first link above that is bad says what to do" : ""};
  }
  return {"served", host, State::waiting, text + ": not the one in the Secret",
          "a change is served within a second; otherwise the Secret is not good, or another one is better: sekisho "
          "certs"};
}

// What of a vault is in the Secret's place; nothing: no object says so.
std::optional<ChartLink> vault_link(const Observation& seen, const kube::ObjectName& secret) {
  const std::string id = kube::to_string(secret);
  for (const certstore::CertificateStatus& status : seen.certificates) {
    if (status.source != ClusterVaults::source_name || status.id != id) continue;
    const bool good = status.problem.empty();
    std::string text = good ? "read from its vault" : status.problem;
    if (status.certificate) text += ": certificate " + status.certificate->fingerprint();
    return ChartLink{"vault", id, good ? State::good : State::bad, std::move(text),
                     good ? "" : "docs/azure.md has each reason and what to do"};
  }
  return std::nullopt;
}

Json json_of(const Links& links) {
  Json all = Json::array();
  for (const ChartLink& link : links) {
    all.push_back({{"what", link.what},
                   {"object", link.object},
                   {"state", to_string(link.state)},
                   {"text", link.text},
                   {"next", link.next}});
  }
  return all;
}

}  // namespace

std::optional<AdminAnswer> ClusterQuestions::answer(const AdminRequest& request) {
  std::string_view target = request.target;
  if (!target.starts_with(path)) return std::nullopt;
  target.remove_prefix(path.size());
  if (request.method != "GET") return answer_of(405, Json{{"error", "only GET"}});
  if (target.starts_with('/')) {
    target.remove_prefix(1);
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(target.data(), target.data() + target.size(), number);
    const bool is_number = error == std::errc() && end == target.data() + target.size();
    const auto known = is_number ? errands_.ask(number) : std::nullopt;
    return known ? answer_of(200, *known) : answer_of(404, Json{{"error", "no such errand"}});
  }
  constexpr std::string_view key = "?host=";
  if (!target.starts_with(key)) return std::nullopt;
  const auto host = certstore::canonical_host_name(target.substr(key.size()));
  if (!host) return answer_of(400, Json{{"error", "host: a host name is needed"}});
  const auto number = errands_.begin([this, name = *host](const std::stop_token& stop) { return chain(name, stop); });
  return number ? answer_of(202, Json{{"errand", *number}, {"at", fmt::format("{}/{}", path, *number)}})
                : answer_of(503, Json{{"error", "too many questions are waiting"}});
}

base::Result<Errands::Json> ClusterQuestions::chain(const std::string& host, const std::stop_token& stop) const {
  const kube::StopAfter limit(longest_chain, stop);
  if (!options_.control.synced()) {
    return base::fail(base::Code::refused, "the cluster is not known yet: see `sekisho status`");
  }
  const kube::HostReport report = options_.control.report(host);
  Links links = kube::ingress_links(report, host);
  std::map<kube::ObjectName, std::optional<kube::WantedCertificate>> secrets;
  for (const kube::IngressOnHost& one : report) {
    if (!one.secret || (secrets.size() == most_secrets && !secrets.contains(*one.secret))) continue;
    auto& wanted = secrets[*one.secret];
    if (!wanted) wanted = one.wanted;
  }
  const Observation seen = options_.observe();
  std::vector<certstore::CertificatePtr> held;
  for (const auto& [secret, wanted] : secrets) {
    const auto objects = kube::read_chart_objects(options_.client, secret, wanted, limit.token());
    const auto vault = vault_link(seen, secret);
    if (vault) links.push_back(*vault);
    // Nobody is to fill the Secret then.
    const bool elsewhere = vault && !wanted && !objects.held;
    if (!elsewhere) std::ranges::move(kube::issuing_links(objects, host, seen.now), std::back_inserter(links));
    if (objects.held && *objects.held) held.push_back(**objects.held);
  }
  links.push_back(served_link(seen, host, links, held));
  return Errands::Json{{"links", json_of(links)}};
}

}  // namespace app
