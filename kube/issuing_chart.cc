#include "kube/issuing_chart.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "acme/json_fields.h"
#include "base/timestamps.h"
#include "certstore/name_lookup.h"
#include "kube/certificate_object.h"
#include "kube/conditions.h"

namespace kube {
namespace {

using State = ChartLink::State;
using Links = std::vector<ChartLink>;

constexpr std::size_t longest_text = 600;

std::string named(const nlohmann::json& object) {
  return to_string(name_of(object));
}

nlohmann::json status_in(const nlohmann::json& object) {
  const nlohmann::json* status = acme::member(object, "status");
  return status == nullptr ? nlohmann::json::object() : *status;
}

// "False, reason DoesNotExist: Issuing certificate as Secret does not exist"
std::string words_of(const Condition& condition) {
  return fmt::format("{} is {}, reason {}: {}", condition.type, condition.status,
                     condition.reason.empty() ? "none" : condition.reason,
                     acme::shown(condition.message, longest_text));
}

std::string kubectl(const std::string& name_space, std::string_view rest) {
  return name_space.empty() ? fmt::format("kubectl {}", rest) : fmt::format("kubectl -n {} {}", name_space, rest);
}

bool is_issuer_known(const nlohmann::json& certificate) {
  const nlohmann::json* spec = acme::member(certificate, "spec");
  const nlohmann::json* issuer = spec == nullptr ? nullptr : acme::member(*spec, "issuerRef");
  const std::string group = issuer == nullptr ? "" : acme::shown_member(*issuer, "group");
  return group.empty() || group == resources::issuers.group;
}

// One chart from the Certificate on.
class Chart {
 public:
  Chart(const ChartObjects& objects, const std::string& host, base::SystemTime now)
      : objects_(objects), host_(host), now_(now) {}

  Links draw() {
    for (const ApiFailure& failure : objects_.failures) {
      links_.push_back({"api", "", State::unknown, failure.error.what,
                        failure.forbidden() ? "sekisho doctor names the role that grants it" : "try again"});
    }
    if (objects_.certificate.is_null()) {
      no_certificate();
    } else {
      certificate();
    }
    issuer();
    for (const nlohmann::json& order : objects_.orders) progress("order", order);
    for (const nlohmann::json& challenge : objects_.challenges) progress("challenge", challenge);
    secret();
    return std::move(links_);
  }

 private:
  [[nodiscard]] const std::string& name_space() const { return objects_.secret_name.name_space; }

  void no_certificate() {
    if (!objects_.wanted) return;  // somebody else fills the Secret
    const std::string object = to_string(objects_.secret_name);
    if (objects_.definitions == ChartObjects::Definitions::missing) {
      links_.push_back({"certificate", object, State::bad, "this cluster does not know the kind Certificate",
                        "apply cert-manager's CRDs (its other parts are not needed)"});
      return;
    }
    links_.push_back({"certificate", object, State::bad,
                      fmt::format("there is none, though an annotation of Ingress {} asks for one by {}",
                                  to_string(objects_.wanted->ingress.name), to_string(objects_.wanted->issuer)),
                      fmt::format("`{}` says why; the replica that leads makes it: `sekisho doctor`",
                                  kubectl(name_space(), "describe ingress " + objects_.wanted->ingress.name.name))});
  }

  void certificate() {
    const nlohmann::json status = status_in(objects_.certificate);
    const std::string object = named(objects_.certificate);
    const auto ready = condition_of(status, "Ready");
    const auto issuing = condition_of(status, "Issuing");
    const bool is_ready = ready && ready->status == "True";
    if (!ready) {
      links_.push_back({"certificate", object, State::bad, "nobody has looked at it yet: it has no condition",
                        "a replica that leads does: `sekisho doctor`"});
    } else {
      links_.push_back({"certificate", object, is_ready ? State::good : State::bad, words_of(*ready),
                        is_ready ? "" : "the first link below that is not good says why"});
    }
    if (!issuing || is_ready) return;
    const bool under_way = issuing->status == "True";
    const std::string describe = kubectl(name_space(), "describe certificate " + name_of(objects_.certificate).name);
    links_.push_back({"issuing", object, under_way ? State::waiting : State::bad, words_of(*issuing),
                      under_way ? "wait; the order and its challenges are below"
                                : fmt::format("mend what it says; it is tried again by itself, `{}`", describe)});
  }

  void issuer() {
    const nlohmann::json& certificate = objects_.certificate;
    if (certificate.is_null() && !objects_.wanted) return;
    if (!objects_.issuer.is_null()) return known_issuer();
    std::string name;
    if (certificate.is_null()) {
      name = to_string(objects_.wanted->issuer);
    } else if (const auto read = read_certificate(certificate)) {
      name = to_string(read->issuer);
    }
    if (!certificate.is_null() && !is_issuer_known(certificate)) {
      links_.push_back({"issuer", name, State::unknown, "of another group: it has a controller of its own", ""});
      return;
    }
    // What could not be read has been said.
    if (!objects_.failures.empty()) return;
    links_.push_back({"issuer", name, State::bad, "there is none of that name",
                      "apply it, or correct the name: an Issuer belongs to the namespace of the Certificate, a "
                      "ClusterIssuer to none"});
  }

  void known_issuer() {
    const ObjectName name = name_of(objects_.issuer);
    const std::string kind = name.name_space.empty() ? "ClusterIssuer" : "Issuer";
    const auto ready = condition_of(status_in(objects_.issuer), "Ready");
    const bool is_ready = ready && ready->status == "True";
    const std::string describe = kubectl(name.name_space, fmt::format("describe {} {}", base_lower(kind), name.name));
    links_.push_back({"issuer", fmt::format("{} {}", kind, to_string(name)), is_ready ? State::good : State::bad,
                      ready ? words_of(*ready) : "it has no condition: nobody has looked at it yet",
                      is_ready ? "" : fmt::format("mend it: nothing is issued before it is ready; `{}`", describe)});
  }

  static std::string base_lower(const std::string& kind) { return kind == "Issuer" ? "issuer" : "clusterissuer"; }

  void progress(const char* what, const nlohmann::json& object) {
    const nlohmann::json status = status_in(object);
    const std::string state = acme::shown_member(status, "state");
    const std::string reason = acme::shown_member(status, "reason", longest_text);
    const bool good = state == "valid" || state == "ready";
    const bool bad = state == "invalid" || state == "errored" || state == "expired";
    std::string text = fmt::format("{}{}{}", state.empty() ? "pending" : state, reason.empty() ? "" : ": ", reason);
    std::string next;
    if (std::string_view(what) == "challenge") {
      const nlohmann::json* spec = acme::member(object, "spec");
      const std::string type = spec == nullptr ? "" : acme::shown_member(*spec, "type");
      const std::string name = spec == nullptr ? "" : acme::shown_member(*spec, "dnsName");
      text = fmt::format("{} for {}: {}", type, name, text);
      if (!good) next = advice_for(type, name);
    }
    links_.push_back({what, named(object),
                      good  ? State::good
                      : bad ? State::bad
                            : State::waiting,
                      std::move(text), std::move(next)});
  }

  static std::string advice_for(const std::string& type, const std::string& name) {
    if (type == "DNS-01") {
      return fmt::format(
          "`dig TXT _acme-challenge.{}` has to show the record: look at the rights on the zone, and at "
          "the solver of the issuer",
          name);
    }
    return fmt::format(
        "http://{}/.well-known/acme-challenge/ has to reach port 80 of sekisho's Service from the "
        "internet: look at DNS, at the load balancer, and at `sekisho doctor`",
        name);
  }

  void secret() {
    const std::string object = to_string(objects_.secret_name);
    if (!objects_.held) {
      if (unread_secret()) return;
      const bool issued = !objects_.certificate.is_null() || objects_.wanted;
      links_.push_back({"secret", object, State::bad, "there is none",
                        issued
                            ? "it is written when the certificate is issued: see above"
                            : "apply it, or have it issued: annotate the Ingress with cert-manager.io/cluster-issuer"});
      return;
    }
    const base::Result<certstore::CertificatePtr>& held = *objects_.held;
    if (!held) {
      links_.push_back({"secret", object, State::bad, held.error().what,
                        "write tls.crt and tls.key that belong together; delete the Secret where a Certificate issues "
                        "it"});
      return;
    }
    const certstore::Facts& facts = (*held)->facts();
    const std::string wildcard = certstore::wildcard_above(host_);
    const auto has = [&](const std::vector<std::string>& names, const std::string& name) {
      return std::ranges::find(names, name) != names.end();
    };
    const bool covers = has(facts.dns_names, host_) || has(facts.dns_names, wildcard) || has(facts.ip_addresses, host_);
    const bool over = facts.not_after <= now_;
    std::string text =
        fmt::format("certificate {} until {}", (*held)->fingerprint(), base::to_rfc3339(facts.not_after));
    if (!covers) text += fmt::format("; it is not for {}", host_);
    if (over) text += "; it has expired";
    links_.push_back({"secret", object, covers && !over ? State::good : State::bad, std::move(text),
                      covers && !over ? ""
                      : !covers       ? "add the name to the TLS section or the Certificate, or write another one"
                                      : "have it renewed: see above"});
  }

  [[nodiscard]] bool unread_secret() const {
    return std::ranges::any_of(objects_.failures, [](const ApiFailure& failure) {
      return failure.error.what.find("/secrets") != std::string::npos;
    });
  }

  const ChartObjects& objects_;
  const std::string& host_;
  const base::SystemTime now_;
  Links links_;
};

}  // namespace

const char* to_string(ChartLink::State state) noexcept {
  switch (state) {
    case State::good:
      return "good";
    case State::waiting:
      return "waiting";
    case State::bad:
      return "bad";
    case State::unknown:
      return "unknown";
  }
  return "unknown";
}

std::vector<ChartLink> ingress_links(const HostReport& report, const std::string& host) {
  Links links;
  for (const IngressOnHost& one : report) {
    const std::string object = to_string(one.name);
    const std::string of_class =
        one.class_name.empty() ? "without a class" : fmt::format("of class {}", acme::shown(one.class_name, 100));
    if (one.served == IngressOnHost::Served::elsewhere) {
      links.push_back({"ingress", object, State::unknown, fmt::format("{}: it is not served here", of_class),
                       "if it is to be, name a class that --class says, or whose controller is sekisho.dev/ingress"});
    } else if (!one.has_route) {
      links.push_back({"ingress", object, State::bad, fmt::format("{}: no rule of it for the host holds", of_class),
                       "its Events say why: kubectl describe ingress"});
    } else if (!one.secret) {
      links.push_back({"ingress", object, State::unknown,
                       fmt::format("{}: routes, and no TLS section for the host", of_class),
                       "a TLS section with the host and a secretName gives it a certificate"});
    } else {
      links.push_back(
          {"ingress", object, State::good,
           fmt::format("{}: routes, and Secret {}{}", of_class, to_string(*one.secret),
                       one.wanted ? fmt::format(", to be issued by {}", to_string(one.wanted->issuer)) : ""),
           ""});
    }
  }
  if (links.empty()) {
    links.push_back(
        {"ingress", "", State::bad, fmt::format("no Ingress names {}", host), "apply one with a rule for the host"});
  }
  return links;
}

std::vector<ChartLink> issuing_links(const ChartObjects& objects, const std::string& host, base::SystemTime now) {
  return Chart(objects, host, now).draw();
}

}  // namespace kube
