#include "kube/cluster_findings.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "acme/json_fields.h"
#include "base/timestamps.h"
#include "kube/api_document.h"
#include "kube/cert_manager_watch.h"
#include "kube/class_rules.h"
#include "kube/conditions.h"
#include "kube/endpoint_slice.h"
#include "kube/find_object.h"
#include "kube/ingress_class.h"
#include "kube/ingress_status.h"
#include "kube/lease_record.h"
#include "kube/needed_rights.h"
#include "kube/object_names.h"
#include "kube/service.h"
#include "kube/stop_after.h"

namespace kube {
namespace {

using Verdict = acme::Finding::Verdict;
using Beside = CertificateController::Options::Beside;

constexpr std::chrono::seconds longest_look{30};
// Leases are judged by 15 s, certificates by their first second.
constexpr std::chrono::seconds clocks_may_differ_by{5};

class Examiner {
 public:
  Examiner(Client& client, const ClusterQuestion& question, const std::stop_token& stop)
      : client_(client), question_(question), stop_(stop) {}

  std::vector<acme::Finding> run() {
    if (!look_at_api()) return std::move(findings_);
    std::ranges::move(examine_rights(client_, question_.rights, stop_), std::back_inserter(findings_));
    look_for_leader();
    look_at_classes();
    look_at_service();
    look_for_old_definitions();
    if (look_for_definitions()) {
      look_for_cert_manager();
      look_at_issuers(resources::issuers);
      if (question_.rights.served.empty()) look_at_issuers(resources::cluster_issuers);
    }
    return std::move(findings_);
  }

 private:
  void say(const char* check, std::string name, Verdict verdict, std::string text) {
    findings_.push_back({check, std::move(name), verdict, std::move(text)});
  }

  // 403 has its own finding, with the role that is missing.
  void could_not(const char* check, std::string name, const ApiFailure& failure) {
    say(check, std::move(name), Verdict::unknown,
        failure.forbidden() ? "may not be read, see rights" : failure.error.what);
  }

  bool look_at_api() {
    const auto version = read_document(*question_.access, "/version", stop_);
    if (!version) {
      say("API", "", Verdict::bad,
          version.error().error.what + "; what is served does not change meanwhile, and changes are not seen");
      return false;
    }
    say("API", "", Verdict::good, fmt::format("Kubernetes {}", acme::shown_member(version->body, "gitVersion", 60)));
    const base::SystemTime now = client_.clock().now();
    const auto theirs = base::parse_http_date(version->date, now);
    if (!theirs) {
      say("clock", "API", Verdict::unknown, "the API does not say what time it is");
      return true;
    }
    // Its clock is told in whole seconds.
    const auto apart = std::chrono::abs(std::chrono::floor<std::chrono::seconds>(now - *theirs));
    say("clock", "API", apart > clocks_may_differ_by ? Verdict::bad : Verdict::good,
        fmt::format("{} s apart from the API's{}", apart.count(),
                    apart > clocks_may_differ_by ? ": set one of them right (NTP)" : ""));
    return true;
  }

  void look_for_leader() {
    const ObjectName name{question_.rights.home, lease_name(question_.lease)};
    const auto lease = client_.get(resources::leases, name, stop_);
    if (!lease) {
      if (!lease.error().not_found()) return could_not("leader", "", lease.error());
      return say("leader", "", Verdict::bad,
                 fmt::format("nobody: there is no Lease {}; status, Events and certificates wait", to_string(name)));
    }
    const LeaseRecord record = lease_from(*lease);
    const auto age = std::chrono::floor<std::chrono::seconds>(client_.clock().now() - record.renewed);
    const bool held = !record.holder.empty() && age <= record.duration + clocks_may_differ_by;
    say("leader", "", held ? Verdict::good : Verdict::bad,
        held ? fmt::format("{}, since {}", acme::shown(record.holder, 200), base::to_rfc3339(record.acquired))
             : fmt::format("nobody: Lease {} was renewed {} s ago", to_string(name), age.count()));
  }

  void look_at_classes() {
    for (const std::string& name : question_.classes) {
      if (!question_.rights.served.empty()) continue;  // may not be read, and is not needed
      const auto object = find_object(client_, resources::ingress_classes, {"", name}, stop_);
      if (!object) {
        if (!object.error().not_found()) {
          could_not("class", name, object.error());
        } else {
          say("class", name, Verdict::good, "no IngressClass of that name; Ingresses that name it are served");
        }
        continue;
      }
      const auto read = read_ingress_class(*object);
      const std::string controller = read ? acme::shown(read->controller, 200) : "";
      const bool own = controller == own_controller;
      say("class", name, own ? Verdict::good : Verdict::unknown,
          own ? fmt::format("controller {}", controller)
              : fmt::format("its controller is {}, and sekisho serves it too: two write the status of its Ingresses if "
                            "that one still runs",
                            controller));
    }
  }

  void look_at_service() {
    if (!question_.publish_service) return;
    const ObjectName& name = *question_.publish_service;
    const auto object = find_object(client_, resources::services, name, stop_);
    if (!object) {
      if (!object.error().not_found()) return could_not("service", to_string(name), object.error());
      return say("service", to_string(name), Verdict::bad,
                 "there is none, though --publish-service names it: Ingresses do not say where they are reached");
    }
    const auto addresses = addresses_of_service(*object);
    std::vector<std::string> reached;
    for (const auto& one : addresses) {
      for (const auto& [kind, address] : one.items()) {
        if (address.is_string()) reached.push_back(acme::shown(address.get<std::string>(), 200));
      }
    }
    say("service", to_string(name), reached.empty() ? Verdict::bad : Verdict::good,
        reached.empty() ? "it has no address yet: is there a load balancer? `kubectl describe service` says"
                        : fmt::format("reached at {}", fmt::join(reached, ", ")));
    const auto service = read_service(*object);
    if (service) look_at_ports(*service);
  }

  // Port 443 for clients, 80 for redirects and HTTP-01.
  void look_at_ports(const Service& service) {
    const std::string selector = "kubernetes.io/service-name=" + service.metadata.name.name;
    const auto slices = client_.list(resources::endpoint_slices,
                                     {.name_space = service.metadata.name.name_space, .labels = selector}, stop_);
    if (!slices) return could_not("service", to_string(service.metadata.name), slices.error());
    for (const std::uint16_t port : {std::uint16_t{443}, std::uint16_t{80}}) {
      const auto found = std::ranges::find(service.ports, port, &ServicePort::port);
      const std::string name = fmt::format("port {}", port);
      if (found == service.ports.end()) {
        say("service", name, port == 443 ? Verdict::bad : Verdict::unknown,
            fmt::format("Service {} has no such port{}", to_string(service.metadata.name),
                        port == 80 ? ": no redirects to https, and no HTTP-01" : ""));
        continue;
      }
      look_at_targets(name, found->name, slices->items);
    }
  }

  void look_at_targets(const std::string& name, const std::string& port_name,
                       const std::vector<nlohmann::json>& slices) {
    std::set<std::uint16_t> targets;
    std::size_t ready = 0;
    for (const nlohmann::json& object : slices) {
      const auto slice = read_endpoint_slice(object);
      if (!slice) continue;
      const auto port = std::ranges::find(slice->ports, port_name, &SlicePort::name);
      if (port == slice->ports.end() || !port->port) continue;
      targets.insert(*port->port);
      ready += static_cast<std::size_t>(std::ranges::count_if(slice->endpoints, &SliceEndpoint::ready));
    }
    if (ready == 0) return say("service", name, Verdict::bad, "leads to no Pod that is ready: look at its selector");
    const bool ours = std::ranges::any_of(targets, [&](std::uint16_t target) {
      return std::ranges::find(question_.ports, target) != question_.ports.end();
    });
    say("service", name, ours ? Verdict::good : Verdict::bad,
        fmt::format("leads to port {} of {} that are ready{}", fmt::join(targets, ", "), ready,
                    ours ? "" : fmt::format("; sekisho listens on {}", fmt::join(question_.ports, ", "))));
  }

  bool look_for_definitions() {
    bool all = true;
    for (const Resource& kind : {resources::certificates, resources::orders}) {
      const auto found = read_document(*question_.access, fmt::format("/apis/{}", kind.api_version()), stop_);
      if (found) continue;
      all = false;
      if (!found.error().not_found()) {
        could_not("CRDs", std::string(kind.group), found.error());
        continue;
      }
      say("CRDs", std::string(kind.group), Verdict::unknown,
          "not there: Issuers and Certificates cannot be written, and annotations get nothing issued; cert-manager's "
          "CRDs are enough, its Pods are not needed");
    }
    if (all) say("CRDs", std::string(resources::certificates.group), Verdict::good, "are there");
    return all;
  }

  // Of cert-manager 0.10 and before. The fields have moved since, so what is written that way is not guessed at.
  void look_for_old_definitions() {
    if (!read_document(*question_.access, "/apis/certmanager.k8s.io", stop_)) return;
    say("CRDs", "certmanager.k8s.io", Verdict::unknown,
        "Issuers and Certificates of cert-manager 0.10 and before are not read: write them as cert-manager.io/v1, with "
        "acme.solvers in the place of acme.http01 and acme.dns01");
  }

  void look_for_cert_manager() {
    CertManagerWatch watch(client_, {"kube-system", "cert-manager", question_.rights.home});
    if (!watch.alive(stop_)) {
      return say("cert-manager", "", Verdict::good, "none is seen to run beside sekisho");
    }
    const bool aside = question_.beside == Beside::stand_aside;
    say("cert-manager", "", aside ? Verdict::good : Verdict::bad,
        aside ? "runs in this cluster: its issuers are left to it, but those annotated sekisho.io/issuer: sekisho"
              : "runs in this cluster, and --beside-cert-manager ignore has both issue: stop one of them");
  }

  void look_at_issuers(const Resource& resource) {
    const auto all = client_.list(resource, {.name_space = question_.rights.served}, stop_);
    if (!all) return could_not("issuer", std::string(resource.kind), all.error());
    for (const nlohmann::json& issuer : all->items) {
      const nlohmann::json* status = acme::member(issuer, "status");
      const auto ready = status == nullptr ? std::nullopt : condition_of(*status, "Ready");
      const std::string name = fmt::format("{} {}", resource.kind, to_string(name_of(issuer)));
      if (ready && ready->status == "True") {
        say("issuer", name, Verdict::good, acme::shown(ready->message, 300));
      } else {
        say("issuer", name, Verdict::bad,
            ready ? fmt::format("not ready, {}: {}", ready->reason, acme::shown(ready->message, 600))
                  : "nobody has looked at it: is there a leader?");
      }
    }
  }

  Client& client_;
  const ClusterQuestion& question_;
  const std::stop_token stop_;
  std::vector<acme::Finding> findings_;
};

}  // namespace

std::vector<acme::Finding> examine_cluster(Client& client, const ClusterQuestion& question,
                                           const std::stop_token& stop) {
  const StopAfter limit(longest_look, stop);
  return Examiner(client, question, limit.token()).run();
}

}  // namespace kube
