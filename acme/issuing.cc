#include "acme/issuing.h"

#include <set>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "acme/csr.h"
#include "acme/dns_provider.h"
#include "acme/ledger_book.h"
#include "acme/local_issuer.h"
#include "acme/obtain.h"
#include "acme/revocations.h"
#include "base/log.h"

namespace acme {
namespace {

// Another process that has the lock tells its progress nowhere: it is asked again soon.
constexpr std::chrono::milliseconds lock_patience{200};

std::unexpected<NotIssued> because(NotIssued::Why why, Failure failure) {
  return std::unexpected(NotIssued{why, std::move(failure)});
}

std::unexpected<NotIssued> because_failed(Failure failure) {
  const bool stopped = failure.error.code == base::Code::cancelled;
  return because(stopped ? NotIssued::Why::stopped : NotIssued::Why::failed, std::move(failure));
}

std::unexpected<NotIssued> because_failed(base::Error error) {
  return because_failed(failed(std::move(error)).error());
}

bool knows_no_account(const Failure& failure) {
  return failure.problem && failure.problem->type == ProblemType::account_does_not_exist;
}

bool is_same(const std::optional<StoredCertificate>& left, const StoredCertificate& right) {
  return left && left->certificate->fingerprint() == right.certificate->fingerprint();
}

}  // namespace

std::string authority_of(const config::Issuer& issuer) {
  if (const auto* acme = std::get_if<config::AcmeIssuer>(&issuer)) return acme->directory;
  return std::holds_alternative<config::CaIssuer>(issuer) ? "ca" : "self_signed";
}

bool issues_for(const Issuers& issuers, std::string issuer, const std::string& authority) {
  if (authority.empty()) return true;
  for (std::set<std::string> seen; seen.insert(issuer).second;) {
    const auto found = issuers.find(issuer);
    if (found == issuers.end()) return false;
    if (authority_of(found->second) == authority) return true;
    const auto* acme = std::get_if<config::AcmeIssuer>(&found->second);
    issuer = acme != nullptr ? acme->fallback : "";
  }
  return false;
}

const config::AcmeIssuer* issuer_at(const Issuers& issuers, std::string issuer, const std::string& authority) {
  for (std::set<std::string> seen; seen.insert(issuer).second;) {
    const auto found = issuers.find(issuer);
    if (found == issuers.end()) return nullptr;
    const auto* acme = std::get_if<config::AcmeIssuer>(&found->second);
    if (acme == nullptr) return nullptr;
    if (acme->directory == authority) return acme;
    issuer = acme->fallback;
  }
  return nullptr;
}

Attempt Issuing::run(const Request& request, std::stop_token stop) {
  const auto issuer = request.issuers.find(request.issuer);
  if (issuer == request.issuers.end()) {
    return because_failed(base::Error{base::Code::not_found, fmt::format("there is no issuer {}", request.issuer)});
  }
  if (request.show)
    request.show(
        {.step = OrderProgress::Step::lock, .issuer = request.issuer, .url = {}, .status = {}, .authorizations = {}});
  // For both kinds of key together: a CA may answer a second order for the same names with the first one, which can be
  // finalized with one key only.
  const auto lock = parts_.locks.take(lock_of_certificate(request.target.wanted->name), lock_patience, stop);
  if (!lock && lock.error().code == base::Code::timeout) {
    return because(NotIssued::Why::busy, failed(base::Code::timeout, "another process is getting it").error());
  }
  if (!lock) return because_failed(lock.error());
  // Look again: who had the lock before may have got it.
  CertificateShelf shelf(parts_.storage);
  if (auto there = shelf.read(request.target.certificate_key());
      there && *there && !is_same(request.previous, **there) &&
      covers((*there)->certificate->facts(), request.target.identifiers) &&
      (*there)->certificate->facts().not_after > parts_.clock.now() &&
      issues_for(request.issuers, request.target.wanted->issuer, (*there)->authority) &&
      !Revocations(parts_.storage).forbids(*(*there)->certificate)) {
    return std::move(**there);
  }
  return sign(request, issuer->second, **lock, std::move(stop));
}

Attempt Issuing::sign(const Request& request, const config::Issuer& issuer, const Lock& lock, std::stop_token stop) {
  if (const auto* acme = std::get_if<config::AcmeIssuer>(&issuer)) return order(request, *acme, lock, std::move(stop));
  const auto key = key_for(request);
  if (!key) return because_failed(key.error());
  const auto* ca = std::get_if<config::CaIssuer>(&issuer);
  auto certificate = ca != nullptr ? issue_with_ca(*ca, request.target.identifiers, *key, parts_.clock)
                                   : issue_self_signed(std::get<config::SelfSignedIssuer>(issuer),
                                                       request.target.identifiers, *key, parts_.clock);
  if (!certificate) return because_failed(std::move(certificate.error()).in("issuer " + request.issuer));
  return store(request, std::move(*certificate), authority_of(issuer));
}

Attempt Issuing::order(const Request& request, const config::AcmeIssuer& issuer, const Lock& lock,
                       std::stop_token stop) {
  const Target& target = request.target;
  const auto client = parts_.clients.of(issuer);
  const auto show = [&](OrderProgress progress) {
    progress.issuer = request.issuer;
    if (request.show) request.show(progress);
  };
  show({.step = OrderProgress::Step::account, .issuer = {}, .url = {}, .status = {}, .authorizations = {}});
  const auto directory = client->directory(stop);
  if (!directory) return because_failed(Failure(directory.error()).in("directory"));
  const config::ChallengeType challenge = target.wanted->challenge.value_or(issuer.challenge);
  const auto solver = solver_for(challenge, issuer);
  if (!solver) return because_failed(solver.error());
  const auto key = key_for(request);
  if (!key) return because_failed(key.error());

  Wanted wanted{.journal = target.journal_key(request.issuer),
                .identifiers = target.identifiers,
                .key_pem = *key,
                .profile = target.wanted->profile.value_or(issuer.profile),
                .replaces = {},
                .preferred_chain = issuer.preferred_chain,
                .challenge = challenge};
  // RFC 9773 §5: only towards the CA that issued it.
  if (request.previous && request.previous->authority == issuer.directory && !directory->renewal_info.empty() &&
      issuer.renewal_info) {
    wanted.replaces = renewal_id_of(*request.previous->certificate).value_or("");
  }
  // What does not say which certificate it replaces is an order as any other to the CA.
  const Ledger::Kind kind = wanted.replaces.empty() ? Ledger::Kind::fresh : request.kind;
  // Before the account is opened: from then on its key stays what it is.
  const auto use = parts_.accounts.use(issuer, target.wanted->name);
  if (!use) return because_failed(use.error());
  LedgerBook book(parts_.storage, parts_.locks, parts_.clock, Accounts::id_of(issuer), stop);
  bool held_back = false;
  for (int attempt = 0;; ++attempt) {
    const auto signer = parts_.accounts.open(*client, issuer, stop);
    if (!signer) return because_failed(signer.error());
    show({.step = OrderProgress::Step::preflight, .issuer = {}, .url = {}, .status = {}, .authorizations = {}});
    if (auto looked = look_ahead(request, issuer, *directory, *signer, stop); !looked)
      return std::unexpected(looked.error());
    const Workbench bench{.client = *client,
                          .signer = *signer,
                          .solver = **solver,
                          .storage = parts_.storage,
                          .lock = lock,
                          .clock = parts_.clock,
                          .before_order =
                              [&] {
                                auto written = book.order(target.identifiers, kind);
                                held_back = !written && written.error().not_before.has_value();
                                return written;
                              },
                          .challenge_ended =
                              [&](const Identifier& identifier, Challenge::Status status) {
                                if (status == Challenge::Status::invalid) book.authorization_failed(identifier);
                                if (parts_.challenge_ended) parts_.challenge_ended(challenge, status);
                              },
                          .show = show};
    auto certificate = obtain(wanted, bench, stop);
    if (certificate) {
      book.issued(target.identifiers);
      return store(request, std::move(*certificate), issuer.directory);
    }
    if (held_back) return because(NotIssued::Why::held_back, std::move(certificate.error()));
    // The CA was reset, as test CAs are: one new account, then it is a failure.
    if (attempt > 0 || !knows_no_account(certificate.error())) return because_failed(std::move(certificate.error()));
    parts_.accounts.doubt(issuer);
    forget_order(parts_.storage, wanted.journal);
  }
}

std::expected<void, NotIssued> Issuing::look_ahead(const Request& request, const config::AcmeIssuer& issuer,
                                                   const Directory& directory, const Signer& signer,
                                                   std::stop_token stop) {
  if (issuer.preflight == config::Preflight::off) return {};
  Preflight preflight(parts_.challenges, parts_.clock, Preflight::options_for(issuer, parts_.preflight));
  const auto challenge = request.target.wanted->challenge.value_or(issuer.challenge);
  std::string bad;
  for (const Finding& finding :
       preflight.look(request.target.identifiers, challenge, directory, signer.account_url, stop)) {
    if (finding.verdict != Finding::Verdict::bad) continue;
    bad += fmt::format("{}{}{}: {}", bad.empty() ? "" : "; ", finding.name.empty() ? "" : finding.name + ": ",
                       finding.check, finding.text);
  }
  if (stop.stop_requested()) return because(NotIssued::Why::stopped, failed(base::Code::cancelled, "stopped").error());
  if (bad.empty()) return {};
  if (issuer.preflight == config::Preflight::warn) {
    base::log::warning("the CA is asked although it will probably refuse",
                       {{"certificate", request.target.wanted->name}, {"found", bad}});
    return {};
  }
  return because(NotIssued::Why::preflight, failed(base::Code::refused, "not asked of the CA: " + bad).error());
}

base::Result<std::unique_ptr<Solver>> Issuing::solver_for(config::ChallengeType challenge,
                                                          const config::AcmeIssuer& issuer) {
  if (challenge == config::ChallengeType::http01) return make_http01_solver(parts_.challenges);
  if (challenge == config::ChallengeType::tls_alpn01) return make_tls_alpn01_solver(parts_.challenges);
  DnsSolverOptions options{.type = challenge, .propagation = {}, .nameservers = issuer.nameservers};
  if (!issuer.dns && !config::needs_dns_provider(challenge)) return make_dns_solver(nullptr, parts_.storage, options);
  auto zone = dns_zone_of(issuer, parts_.azure_zones);
  if (!zone) return std::unexpected(std::move(zone.error()));
  options.propagation = issuer.dns->propagation;
  options.ttl = issuer.dns->ttl;
  if (const auto* azure = std::get_if<config::AzureDns>(&issuer.dns->provider)) options.zone = azure->zone;
  if (const auto* rfc2136 = std::get_if<config::Rfc2136>(&issuer.dns->provider)) options.zone = rfc2136->zone;
  return make_dns_solver(std::move(*zone), parts_.storage, options);
}

base::Result<std::string> Issuing::key_for(const Request& request) {
  const config::CertificateKey& key = request.target.wanted->key;
  if (key.reuse && request.previous && !Revocations(parts_.storage).forbids(*request.previous->certificate)) {
    return request.previous->certificate->key_pem();
  }
  return make_certificate_key(request.target.key_type, key.rsa_bits);
}

// The durable copy comes first; the journal goes last, so that no crash in between loses what was paid for.
Attempt Issuing::store(const Request& request, certstore::CertificatePtr certificate, const std::string& authority) {
  // A key that was used again, and became known to others while the CA signed.
  if (Revocations(parts_.storage).forbids(*certificate)) {
    forget_order(parts_.storage, request.target.journal_key(request.issuer));
    return because(NotIssued::Why::stopped, failed(base::Code::refused, "its key is compromised").error());
  }
  StoredCertificate stored{.certificate = std::move(certificate),
                           .issuer = request.issuer,
                           .authority = authority,
                           .jitter = request.jitter,
                           .window = std::nullopt};
  if (auto written = CertificateShelf(parts_.storage).write(request.target.certificate_key(), stored); !written) {
    return because_failed(std::move(written.error()).in("the issued certificate cannot be stored"));
  }
  forget_order(parts_.storage, request.target.journal_key(request.issuer));
  return stored;
}

}  // namespace acme
