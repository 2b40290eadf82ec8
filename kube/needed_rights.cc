#include "kube/needed_rights.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "acme/json_fields.h"

namespace kube {
namespace {

using Where = NeededRight::Where;
using Need = NeededRole::Need;
using Verdict = acme::Finding::Verdict;

constexpr Resource access_reviews{"authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview",
                                  Resource::Scope::cluster};
constexpr std::string_view certificates_group = "cert-manager.io";
constexpr std::string_view csi_group = "secrets-store.csi.x-k8s.io";
constexpr std::string_view external_group = "external-secrets.io";
constexpr std::string_view without_classes = "no certificate is read from a vault because of a SecretProviderClass";
constexpr std::string_view without_externals = "no certificate is read from a vault because of an ExternalSecret";
constexpr std::string_view orders_group = "acme.cert-manager.io";

const NeededRight right_to_copy{
    "", "secrets", {"get", "create", "patch"}, Where::served, "what is served is not copied there"};

// Of one right: which of its verbs are missing.
struct Missing {
  const NeededRight* right = nullptr;
  std::vector<std::string_view> verbs;
};

std::string folder_of(const NeededRole& role, bool one_namespace) {
  if (role.rights.front().where == Where::home) return "deploy/kubernetes/base/own_namespace_role.yaml";
  if (role.need == Need::to_mirror) return "deploy/kubernetes/components/mirrors/mirror_roles.yaml";
  if (role.need == Need::to_read_vaults) {
    return fmt::format("deploy/kubernetes/components/{}/role.yaml",
                       one_namespace ? "key_vault_objects_namespaced" : "key_vault_objects");
  }
  if (role.need == Need::to_ask_first) return "deploy/kubernetes/components/webhook/role.yaml";
  return fmt::format("deploy/kubernetes/components/{}/{}_role.yaml", one_namespace ? "namespaced" : "cluster_wide",
                     role.need == Need::always ? "serve" : "issue");
}

class Examiner {
 public:
  Examiner(Client& client, const RightsWanted& wanted, const std::stop_token& stop)
      : client_(client), wanted_(wanted), stop_(stop) {}

  std::vector<acme::Finding> run() {
    for (const NeededRole& role : needed_roles()) {
      if (is_wanted(role.need)) examine(role);
    }
    for (const std::string& name_space : wanted_.copies) examine_copies(name_space);
    return std::move(findings_);
  }

 private:
  [[nodiscard]] bool is_wanted(Need need) const {
    if (need == Need::to_mirror) return wanted_.mirrors == RightsWanted::Mirrors::on;
    if (need == Need::to_read_vaults) return wanted_.vault_objects == RightsWanted::VaultObjects::on;
    return need != Need::to_ask_first || !wanted_.webhook_configuration.empty();
  }

  void examine(const NeededRole& role) {
    std::vector<Missing> missing;
    std::size_t asked = 0;
    for (const NeededRight& right : role.rights) {
      if (is_left_out(right)) continue;
      Missing one{.right = &right};
      for (const std::string_view verb : right.verbs) {
        const auto allowed = may(right, verb, namespace_of(right));
        if (!allowed) {
          findings_.push_back({"rights", std::string(role.name), Verdict::unknown, allowed.error().error.what});
          return;
        }
        ++asked;
        if (!*allowed) one.verbs.push_back(verb);
      }
      if (!one.verbs.empty()) missing.push_back(std::move(one));
    }
    tell(role, missing, asked);
  }

  void examine_copies(const std::string& name_space) {
    const std::string name = "secrets in namespace " + name_space;
    std::vector<std::string_view> missing;
    for (const std::string_view verb : right_to_copy.verbs) {
      const auto allowed = may(right_to_copy, verb, name_space);
      if (!allowed) {
        findings_.push_back({"rights", name, Verdict::unknown, allowed.error().error.what});
        return;
      }
      if (!*allowed) missing.push_back(verb);
    }
    if (missing.empty()) {
      findings_.push_back({"rights", name, Verdict::good, "--copy may write them"});
      return;
    }
    findings_.push_back(
        {"rights", name, Verdict::bad,
         fmt::format("may not {} {}: {}; the role sekisho-issue in deploy/kubernetes/components/{}/issue_role.yaml "
                     "grants it",
                     fmt::join(missing, ", "), name, right_to_copy.without,
                     wanted_.served.empty() ? "cluster_wide" : "namespaced")});
  }

  void tell(const NeededRole& role, const std::vector<Missing>& missing, std::size_t asked) {
    const std::string name(role.name);
    if (missing.empty()) {
      findings_.push_back({"rights", name, Verdict::good, fmt::format("all {} are granted", asked)});
      return;
    }
    if (is_without_issuing(role, missing) && role.need == Need::to_issue) {
      findings_.push_back(
          {"rights", name, Verdict::unknown, "none is granted: certificates are served, and not issued"});
      return;
    }
    for (const Missing& one : missing) {
      const NeededRight& right = *one.right;
      const std::string full =
          right.group.empty() ? std::string(right.resource) : fmt::format("{}.{}", right.resource, right.group);
      findings_.push_back(
          {"rights", full, Verdict::bad,
           fmt::format("may not {} {} {}: {}; the role {} in {} grants it", fmt::join(one.verbs, ", "), full,
                       place_of(right), right.without, role.name, folder_of(role, !wanted_.served.empty()))});
    }
  }

  // Nothing of cert-manager's kinds is granted; Secrets may be for other reasons.
  [[nodiscard]] bool is_without_issuing(const NeededRole& role, const std::vector<Missing>& missing) const {
    return std::ranges::all_of(role.rights, [&](const NeededRight& right) {
      if (right.group.empty() || is_left_out(right)) return true;
      return std::ranges::any_of(
          missing, [&](const Missing& one) { return one.right == &right && one.verbs.size() == right.verbs.size(); });
    });
  }

  // Where one namespace is served nothing of the whole cluster is.
  [[nodiscard]] bool is_left_out(const NeededRight& right) const {
    return right.where == Where::cluster && !wanted_.served.empty();
  }

  [[nodiscard]] std::string place_of(const NeededRight& right) const {
    if (right.of == NeededRight::Of::webhook_configuration) return wanted_.webhook_configuration;
    if (right.where == Where::cluster) return "of the cluster";
    const std::string name_space = namespace_of(right);
    return name_space.empty() ? "in all namespaces" : "in namespace " + name_space;
  }

  // Empty: all, or none.
  [[nodiscard]] std::string namespace_of(const NeededRight& right) const {
    if (right.where == Where::home) return wanted_.home;
    return right.where == Where::served ? wanted_.served : std::string();
  }

  // `name_space`: empty: all, or none.
  [[nodiscard]] Outcome<bool> may(const NeededRight& right, std::string_view verb, const std::string& name_space) {
    const std::size_t slash = std::min(right.resource.find('/'), right.resource.size());
    nlohmann::json wanted{{"group", right.group}, {"resource", right.resource.substr(0, slash)}, {"verb", verb}};
    if (slash < right.resource.size()) wanted["subresource"] = right.resource.substr(slash + 1);
    if (!name_space.empty()) wanted["namespace"] = name_space;
    if (right.of == NeededRight::Of::webhook_configuration) wanted["name"] = wanted_.webhook_configuration;
    const nlohmann::json review{{"apiVersion", "authorization.k8s.io/v1"},
                                {"kind", "SelfSubjectAccessReview"},
                                {"spec", {{"resourceAttributes", std::move(wanted)}}}};
    const auto answer = client_.create(access_reviews, review, stop_);
    if (!answer) return std::unexpected(answer.error());
    const nlohmann::json* status = acme::member(*answer, "status");
    return status != nullptr && acme::flag_member(*status, "allowed");
  }

  Client& client_;
  const RightsWanted& wanted_;
  const std::stop_token& stop_;
  std::vector<acme::Finding> findings_;
};

}  // namespace

const std::vector<NeededRole>& needed_roles() {
  static const std::vector<NeededRole> all{
      {.name = "sekisho-serve",
       .rights = {{"networking.k8s.io", "ingresses", {"list", "watch"}, Where::served, "nothing is served"},
                  {"networking.k8s.io",
                   "ingressclasses",
                   {"list", "watch"},
                   Where::cluster,
                   "nothing is served; or serve one namespace, with --namespace"},
                  {"", "services", {"list", "watch"}, Where::served, "nothing is served"},
                  {"discovery.k8s.io", "endpointslices", {"list", "watch"}, Where::served, "nothing is served"},
                  {"", "secrets", {"list", "watch"}, Where::served, "nothing is served"},
                  {"networking.k8s.io",
                   "ingresses/status",
                   {"patch"},
                   Where::served,
                   "Ingresses do not say where they are reached"},
                  {"", "events", {"create", "patch"}, Where::served, "owners are not told what is wrong"}}},
      {.name = "sekisho-own",
       .rights = {{"coordination.k8s.io",
                   "leases",
                   {"get", "list", "create", "update", "patch", "delete"},
                   Where::home,
                   "no replica leads: no status, no Events, no certificates"},
                  {"",
                   "secrets",
                   {"get", "list", "watch", "create", "update", "patch", "delete"},
                   Where::home,
                   "what replicas share cannot be kept: accounts, orders, challenges"}}},
      {.name = "sekisho-issue",
       .need = Need::to_issue,
       .rights =
           {{"", "secrets", {"get", "create", "patch"}, Where::served, "issued certificates cannot be written"},
            {certificates_group, "issuers", {"list", "watch"}, Where::served, "nothing is issued"},
            {certificates_group, "clusterissuers", {"list", "watch"}, Where::cluster, "nothing is issued"},
            {certificates_group,
             "certificates",
             {"list", "watch", "create", "patch", "delete"},
             Where::served,
             "what Ingresses ask for is not issued"},
            {certificates_group, "certificates/status", {"patch"}, Where::served, "Certificates show no state"},
            {certificates_group, "issuers/status", {"patch"}, Where::served, "Issuers show no state"},
            {certificates_group, "clusterissuers/status", {"patch"}, Where::cluster, "ClusterIssuers show no state"},
            {orders_group,
             "orders",
             {"list", "create", "patch", "delete"},
             Where::served,
             "what is under way is not shown"},
            {orders_group,
             "challenges",
             {"list", "create", "patch", "delete"},
             Where::served,
             "what is under way is not shown"},
            {orders_group, "orders/status", {"patch"}, Where::served, "what is under way is not shown"},
            {orders_group, "challenges/status", {"patch"}, Where::served, "what is under way is not shown"}}},
      {.name = "sekisho-mirror",
       .need = Need::to_mirror,
       .rights = {{"", "namespaces", {"list", "watch"}, Where::anywhere, "no namespace is known to accept mirrors"}}},
      {.name = "sekisho-mirror-target",
       .need = Need::to_mirror,
       .rights = {{"",
                   "secrets",
                   {"get", "create", "update", "delete"},
                   Where::anywhere,
                   "mirrors are written only in the namespaces that bind the role by a RoleBinding of their own"}}},
      {.name = "sekisho-key-vault-objects",
       .need = Need::to_read_vaults,
       .rights = {{csi_group, "secretproviderclasses", {"list", "watch"}, Where::served, without_classes},
                  {external_group, "externalsecrets", {"list", "watch"}, Where::served, without_externals},
                  {external_group, "secretstores", {"list", "watch"}, Where::served, without_externals},
                  {external_group, "clustersecretstores", {"list", "watch"}, Where::cluster, without_externals}}},
      {.name = "sekisho-webhook",
       .need = Need::to_ask_first,
       .rights = {{.group = "admissionregistration.k8s.io",
                   .resource = "validatingwebhookconfigurations",
                   .verbs = {"get", "update"},
                   .where = Where::anywhere,
                   .without = "the API server is not told which certificate to believe, so nothing is asked",
                   .of = NeededRight::Of::webhook_configuration}}},
  };
  return all;
}

std::vector<acme::Finding> examine_rights(Client& client, const RightsWanted& wanted, const std::stop_token& stop) {
  return Examiner(client, wanted, stop).run();
}

}  // namespace kube
