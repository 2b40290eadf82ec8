#include "app/why.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/timestamps.h"
#include "certstore/certificate_files.h"
#include "certstore/choice.h"
#include "certstore/name_lookup.h"
#include "kube/secret_source.h"

namespace app {
namespace {

class Causes {
 public:
  Causes(const Observation& seen, const std::string& host) : seen_(seen), host_(host) {}

  Json json() {
    const certstore::CertificatePtr shown = handshake();
    mirrors_that_lack_it();
    for (const acme::ManagedCertificate* managed : managed_for_host()) explain(*managed);
    others(shown);
    routes();
    if (seen_.cluster) notices();
    Json why{{"host", host_}, {"good", good_}, {"causes", std::move(causes_)}};
    if (seen_.cluster) why["cluster"] = true;
    return why;
  }

 private:
  void say(int level, const char* what, std::string text, const char* tone = "plain") {
    causes_.push_back({{"level", level}, {"what", what}, {"text", std::move(text)}, {"tone", tone}});
  }

  // ---- What a client is shown, and where it comes from.

  certstore::CertificatePtr handshake() {
    if (!seen_.snapshot || !seen_.snapshot->certificates) {
      say(0, "handshake", "nothing is served yet: no snapshot has reached the workers", "bad");
      return nullptr;
    }
    const certstore::CertIndex& index = *seen_.snapshot->certificates;
    const certstore::CertPair* pair = index.find(host_);
    if (pair == nullptr) return unknown_name(index);
    const bool exact = index.exact(host_) == pair;
    say(0, "handshake",
        fmt::format("SNI {} is matched {}", host_, exact ? "by its exact name" : "by a one-label wildcard"));
    good_ = true;
    for (const certstore::CertificatePtr& certificate : {pair->ecdsa, pair->rsa}) {
      if (certificate) describe(*certificate);
    }
    return pair->ecdsa ? pair->ecdsa : pair->rsa;
  }

  certstore::CertificatePtr unknown_name(const certstore::CertIndex& index) {
    const auto& config = seen_.snapshot->config;
    const bool rejected = config && config->tls.unknown_name == config::UnknownName::reject;
    if (rejected || index.fallback() == nullptr) {
      say(0, "handshake", fmt::format("no certificate is for {}: the client gets the alert unrecognized_name", host_),
          "bad");
      return nullptr;
    }
    say(0, "handshake",
        fmt::format("no certificate is for {}: the client gets the default one, which is not for it", host_), "bad");
    const certstore::CertificatePtr& certificate =
        index.fallback()->ecdsa ? index.fallback()->ecdsa : index.fallback()->rsa;
    describe(*certificate);
    good_ = false;
    return certificate;
  }

  void describe(const certstore::Certificate& certificate) {
    const certstore::Facts& facts = certificate.facts();
    const bool valid = certstore::validity_at(facts, seen_.now) == certstore::Validity::valid;
    std::string text = fmt::format(
        "{} certificate {} of {}, {} until {}", facts.key_type == certstore::KeyType::rsa ? "RSA" : "ECDSA",
        facts.serial_hex, facts.issuer.common_name.empty() ? facts.issuer.organization : facts.issuer.common_name,
        base::to_rfc3339(facts.not_before), base::to_rfc3339(facts.not_after));
    if (const std::string short_of = certstore::shortcomings(facts, seen_.now); !short_of.empty())
      text += "; " + short_of;
    say(1, "certificate", std::move(text), valid ? "good" : "bad");
    say(2, "fingerprint", certificate.fingerprint());
    good_ = good_ && valid;
    for (const certstore::CertificateStatus& status : seen_.certificates) {
      if (status.serving.get() != &certificate) continue;
      const bool interim = is_interim(status);
      good_ = good_ && !interim;
      if (interim) {
        say(2, "source", "the local CA, until the issuer has delivered", "bad");
      } else {
        say(2, "source", fmt::format("{}, {}, since {}", status.source, status.id, base::to_rfc3339(status.changed)));
      }
      if (!status.problem.empty()) say(2, "problem", status.problem, "bad");
      if (seen_.cluster && status.source == kube::SecretSource::source_name) mirrors_of(status.id);
    }
    mirrors_in_azure(certificate.fingerprint());
  }

  // Copies of the Secret in other namespaces.
  void mirrors_of(const std::string& secret) {
    for (const kube::MirrorState& mirror : seen_.cluster->mirrors) {
      if (kube::to_string(mirror.source) != secret) continue;
      const bool in_step = mirror.what == kube::MirrorState::What::in_step;
      say(2, "mirror",
          fmt::format("{}, {} since {}{}{}", kube::to_string(mirror.target), in_step ? "the same" : "not the same",
                      base::to_rfc3339(mirror.since), mirror.problem.empty() ? "" : ": ", mirror.problem),
          in_step ? "good" : "bad");
    }
  }

  void mirrors_in_azure(const std::string& fingerprint) {
    for (const MirrorView& view : seen_.mirrors) {
      for (const azure::MirrorState& state : view.states) {
        if (state.fingerprint == fingerprint) mirror_in_azure(2, view, state);
      }
    }
  }

  // That are to hold a certificate for this host and have none to hold.
  void mirrors_that_lack_it() {
    for (const MirrorView& view : seen_.mirrors) {
      for (const azure::MirrorState& state : view.states) {
        if (state.fingerprint.empty() && state.certificate_name == host_) mirror_in_azure(1, view, state);
      }
    }
  }

  void mirror_in_azure(int level, const MirrorView& view, const azure::MirrorState& state) {
    const bool in_step = state.what == azure::MirrorState::What::in_step;
    say(level, "mirror",
        fmt::format("{}, {}, {} since {}{}{}", view.where, state.name, in_step ? "the same" : "not the same",
                    base::to_rfc3339(state.since), state.problem.empty() ? "" : ": ", state.problem),
        in_step ? "good" : "bad");
  }

  // ---- Who is to issue it, and how far that is.

  [[nodiscard]] std::vector<const acme::ManagedCertificate*> managed_for_host() const {
    std::vector<const acme::ManagedCertificate*> found;
    const std::string wildcard = certstore::wildcard_above(host_);
    for (const acme::ManagedCertificate& managed : seen_.managed) {
      const auto has = [&](const std::string& name) {
        return std::ranges::find(managed.hosts, name) != managed.hosts.end();
      };
      if (has(host_) || has(wildcard)) found.push_back(&managed);
    }
    return found;
  }

  void explain(const acme::ManagedCertificate& managed) {
    const bool failed = managed.state == acme::ManagedCertificate::State::failed;
    say(0, "issuer",
        fmt::format("{} is issued by {} ({}): {}{}{}", managed.name, managed.issuer, managed.issuer_kind,
                    acme::to_string(managed.state), managed.detail.empty() ? "" : ", ", managed.detail),
        failed ? "bad" : "plain");
    if (!managed.issued_by.empty() && managed.issued_by != managed.issuer) {
      say(1, "fallback", fmt::format("what there is was issued by {}", managed.issued_by));
    }
    if (managed.next_action) {
      say(1, "next", fmt::format("{}: {}", base::to_rfc3339(*managed.next_action), managed.next_action_reason));
    }
    if (managed.window) {
      say(1, "window",
          fmt::format("the CA wants it renewed between {} and {}; asked again at {}",
                      base::to_rfc3339(managed.window->info.start), base::to_rfc3339(managed.window->info.end),
                      base::to_rfc3339(managed.window->poll_again)));
      if (!managed.explanation_url.empty()) say(2, "reason", managed.explanation_url);
    }
    if (!managed.problem.empty()) {
      say(1, "problem",
          managed.failures > 0
              ? fmt::format("{} (failures since the last success: {})", managed.problem, managed.failures)
              : managed.problem,
          "bad");
    }
    if (managed.order) explain(*managed.order);
  }

  void explain(const acme::OrderProgress& order) {
    say(1, "order",
        fmt::format("{}{}{} at {}", acme::to_string(order.step), order.status.empty() ? "" : ", ", order.status,
                    order.url.empty() ? order.issuer : order.url));
    for (const acme::AuthorizationProgress& one : order.authorizations) {
      say(2, "authorization", fmt::format("{}{}: {}", one.wildcard ? "*." : "", one.identifier.value, one.status),
          one.status == "valid"     ? "good"
          : one.status == "pending" ? "plain"
                                    : "bad");
      say(3, "challenge",
          fmt::format("{}: {}", config::to_string(one.challenge),
                      one.challenge_status.empty() ? "not looked at" : one.challenge_status));
      if (!one.problem.empty()) say(4, "the CA says", one.problem, "bad");
    }
  }

  // ---- What else there is for the name, and why it is not what is shown.

  void others(const certstore::CertificatePtr& shown) {
    std::vector<const certstore::CertificateStatus*> unread;
    std::size_t files = 0;
    for (const certstore::CertificateStatus& status : seen_.certificates) {
      if (status.serving && status.serving == shown) continue;
      const bool good = status.certificate && is_for_host(status.certificate->facts());
      if (good && status.serving) continue;  // the other key type, described above
      std::vector<std::string> names;
      if (!good && !status.problem.empty() && files++ < most_files) names = names_of_file(status);
      if (!good && !is_for_host(names)) {
        if (!status.certificate && names.empty() && !status.problem.empty()) unread.push_back(&status);
        continue;
      }
      say(0, "not shown",
          fmt::format("{}, {}: {}", status.source, status.id,
                      status.problem.empty() ? "another one is better" : status.problem),
          good ? "plain" : "bad");
    }
    if (!good_) not_read(unread);
  }

  // What the leaf of a pair is for that was refused: a wrong key, a broken chain.
  [[nodiscard]] static std::vector<std::string> names_of_file(const certstore::CertificateStatus& status) {
    return status.file_path.empty() ? std::vector<std::string>() : certstore::names_in_pem_file(status.file_path);
  }

  // Never read, or not so far that it told its names: what is looked for may be among these.
  void not_read(const std::vector<const certstore::CertificateStatus*>& all) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (i == most_not_read) {
        say(0, "not read", fmt::format("and {} more", all.size() - i), "bad");
        return;
      }
      say(0, "not read", fmt::format("{}, {}, may be for it: {}", all[i]->source, all[i]->id, all[i]->problem), "bad");
    }
  }

  [[nodiscard]] bool is_for_host(const certstore::Facts& facts) const {
    return is_for_host(facts.dns_names) || is_for_host(facts.ip_addresses);
  }
  [[nodiscard]] bool is_for_host(const std::vector<std::string>& names) const {
    const std::string wildcard = certstore::wildcard_above(host_);
    return std::ranges::any_of(names, [&](const std::string& name) { return name == host_ || name == wildcard; });
  }

  // ---- Where its requests go.

  void routes() {
    if (!seen_.snapshot || !seen_.snapshot->routes) return;
    const auto& routes = seen_.snapshot->routes->for_host(host_);
    if (routes.empty()) say(0, "route", "no route has this host: its requests get 404", "bad");
    for (const proxy::RoutePtr& route : routes) {
      const config::Route& config = route->config;
      say(0, "route",
          fmt::format("{}: {} {}", config.name,
                      config.path.kind == config::PathMatch::Kind::exact ? "exactly" : "below", config.path.path));
      if (const auto* to = std::get_if<config::ToBackend>(&config.action)) backend(to->backend);
      // "shop/web www.example.com/app"
      if (seen_.cluster) ingresses_.insert(config.name.substr(0, config.name.find(' ')));
    }
  }

  // What its Ingresses, and their owners, have been told.
  void notices() {
    for (const kube::Notice& notice : seen_.cluster->notices) {
      if (!ingresses_.contains(kube::to_string(notice.object.name))) continue;
      const bool is_bad = notice.type == kube::NoticeType::warning;
      say(0, "event",
          fmt::format("{} {}: {}: {}", notice.object.kind, kube::to_string(notice.object.name), notice.reason,
                      notice.message),
          is_bad ? "bad" : "plain");
    }
    for (const WatchedKind& watch : seen_.cluster->watches) {
      if (watch.state.connected) continue;
      say(0, "cluster", fmt::format("{} may be out of date: {}", watch.resource, watch.state.last_failure), "bad");
    }
  }

  void backend(const std::string& name) {
    const auto& backends = seen_.snapshot->backends;
    const auto* const found = backends ? backends->find(name) : nullptr;
    if (found == nullptr) return;
    const proxy::BackendState& state = **found;
    std::size_t healthy = 0;
    for (const proxy::EndpointState& endpoint : state.endpoints) healthy += endpoint.healthy ? 1 : 0;
    const std::size_t all = state.endpoints.size();
    say(1, "backend",
        fmt::format("{}: {} of {} endpoints healthy{}{}", name, healthy, all, state.problem.empty() ? "" : "; ",
                    state.problem),
        healthy == 0 ? "bad" : "plain");
    std::size_t shown = 0;
    for (const proxy::EndpointState& endpoint : state.endpoints) {
      if (++shown > most_endpoints) {
        say(2, "endpoint", fmt::format("and {} more", all - most_endpoints));
        break;
      }
      say(2, "endpoint", endpoint.healthy ? endpoint.name : endpoint.name + " (unhealthy)",
          endpoint.healthy ? "plain" : "bad");
    }
  }

  static constexpr std::size_t most_endpoints = 10;
  static constexpr std::size_t most_not_read = 10;
  static constexpr std::size_t most_files = 200;  // that are read for one answer

  const Observation& seen_;
  const std::string& host_;
  std::set<std::string> ingresses_;  // that the host's routes come from
  Json causes_ = Json::array();
  bool good_ = false;
};

}  // namespace

Json why_json(const Observation& seen, const std::string& host) {
  return Causes(seen, host).json();
}

}  // namespace app
