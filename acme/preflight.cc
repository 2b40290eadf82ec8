#include "acme/preflight.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "acme/caa.h"
#include "acme/dns_lookup.h"
#include "acme/reachability.h"
#include "acme/solver.h"
#include "base/base64.h"
#include "base/openssl.h"

namespace acme {
namespace {

using config::ChallengeType;
using Verdict = Finding::Verdict;

constexpr std::chrono::seconds longest_look{60};
constexpr std::chrono::seconds clock_tolerance = std::chrono::minutes(5);
constexpr std::size_t most_addresses = 4;  // of a name; the CA asks one or two

std::string random_token() {
  std::array<unsigned char, 32> bytes{};
  RAND_bytes(bytes.data(), bytes.size());
  return base::to_base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

// A challenge of our own in the fleet's table, for one look.
class OwnChallenge {
 public:
  OwnChallenge(ChallengeTable& table, ChallengeType type, const Identifier& identifier)
      : solver_(type == ChallengeType::http01 ? make_http01_solver(table) : make_tls_alpn01_solver(table)) {
    task_.identifier = identifier;
    task_.token = random_token();
    task_.key_authorization = task_.token + "." + random_token();
  }
  ~OwnChallenge() { static_cast<void>(solver_->clean_up(task_, {})); }
  OwnChallenge(const OwnChallenge&) = delete;
  OwnChallenge& operator=(const OwnChallenge&) = delete;
  [[nodiscard]] base::Result<void> present(const std::stop_token& stop) { return solver_->present(task_, stop); }
  [[nodiscard]] const ChallengeTask& task() const { return task_; }

 private:
  std::unique_ptr<Solver> solver_;
  ChallengeTask task_;
};

// One look at everything, with what all of its parts need.
class Look {
 public:
  struct Asked {
    ChallengeType challenge;
    const Directory& directory;
    const std::string& account_url;
    std::stop_token stop;
  };
  Look(ChallengeTable& table, const Preflight::Options& options, Asked asked)
      : table_(table), options_(options), asked_(std::move(asked)), lookup_({options.nameservers, options.timeout}) {}

  std::vector<Finding> at(const Identifier& identifier) {
    std::vector<Finding> findings;
    const Identifier name = identifier.base();
    if (config::proved_by_dns(asked_.challenge)) {
      findings.push_back(zone(name));
      if (options_.records_by_hand) findings.push_back(record(identifier));
    } else {
      std::vector<base::IpAddress> addresses;
      findings.push_back(resolves(name, addresses));
      if (!addresses.empty()) findings.push_back(port(name, addresses));
    }
    // RFC 8738 says nothing of CAA for addresses, and there is no name to look at.
    if (identifier.type == Identifier::Type::dns) findings.push_back(caa(identifier));
    return findings;
  }

 private:
  Finding resolves(const Identifier& name, std::vector<base::IpAddress>& addresses) const;
  Finding port(const Identifier& name, const std::vector<base::IpAddress>& addresses);
  Finding zone(const Identifier& name) const;
  Finding record(const Identifier& identifier) const;
  Finding caa(const Identifier& identifier) const;

  ChallengeTable& table_;
  const Preflight::Options& options_;
  Asked asked_;
  DnsLookup lookup_;
};

Finding Look::resolves(const Identifier& name, std::vector<base::IpAddress>& addresses) const {
  Finding finding{"resolves", name.value, Verdict::good, {}};
  auto found = lookup_.addresses(name.value, asked_.stop);
  if (!found) {
    finding.verdict = Verdict::unknown;
    finding.text = "could not be asked: " + found.error().what;
    return finding;
  }
  addresses = *std::move(found);
  if (addresses.empty()) {
    finding.verdict = Verdict::bad;
    finding.text = "has no A or AAAA record: add one that points here";
    return finding;
  }
  std::vector<std::string> texts;
  for (const base::IpAddress& address : addresses) texts.push_back(address.to_string());
  finding.text = fmt::format("{}", fmt::join(texts, ", "));
  return finding;
}

Finding Look::port(const Identifier& name, const std::vector<base::IpAddress>& addresses) {
  const bool http = asked_.challenge == ChallengeType::http01;
  const auto port = static_cast<std::uint16_t>(http ? options_.http_port : options_.tls_port);
  Finding finding{fmt::format("port {}", port), name.value, Verdict::unknown, {}};
  OwnChallenge challenge(table_, asked_.challenge, name);
  if (const auto there = challenge.present(asked_.stop); !there) {
    finding.text = "not every process of this fleet took the token: " + there.error().what;
    return finding;
  }
  std::vector<std::string> ours;
  std::vector<std::string> bad;
  std::vector<std::string> unknown;
  for (std::size_t i = 0; i < std::min(addresses.size(), most_addresses); ++i) {
    const ReachTarget target{addresses[i], port, name, options_.timeout};
    const std::string& key_authorization = challenge.task().key_authorization;
    Reached reached = http ? reach_http01(target, challenge.task().token, key_authorization, asked_.stop)
                           : reach_tls_alpn01(target, key_authorization, asked_.stop);
    auto& list = reached.how == Reached::How::ours ? ours : reached.how == Reached::How::other ? bad : unknown;
    list.push_back(std::move(reached.text));
  }
  if (!bad.empty()) {
    finding.verdict = Verdict::bad;
    finding.text = fmt::format(
        "{}: something else answers there; point every A and AAAA record of the name at this "
        "fleet, and forward port {} to it",
        fmt::join(bad, "; "), port);
  } else if (!ours.empty()) {
    finding.verdict = Verdict::good;
    finding.text = fmt::format("{} answered as the CA expects{}{}", fmt::join(ours, ", "),
                               unknown.empty() ? "" : "; not looked at: ", fmt::join(unknown, "; "));
  } else {
    finding.text = fmt::format("{}: cannot be looked at from here, which need not mean that the CA cannot",
                               fmt::join(unknown, "; "));
  }
  return finding;
}

Finding Look::zone(const Identifier& name) const {
  Finding finding{"zone", name.value, Verdict::good, {}};
  if (name.type != Identifier::Type::dns) {
    finding.verdict = Verdict::bad;
    finding.text = "an address has no DNS challenge (RFC 8738 §7): use http-01 or tls-alpn-01";
    return finding;
  }
  ChallengeTask task;
  task.identifier = name;
  task.account_url = asked_.account_url;
  const std::string wanted = dns_record_of(asked_.challenge, task).owner;
  const auto owner = lookup_.follow_cname(wanted, asked_.stop);
  const auto found = owner ? lookup_.zone_of(*owner, asked_.stop) : owner;
  if (found) {
    finding.text = *owner == wanted ? fmt::format("{} is in zone {}", wanted, *found)
                                    : fmt::format("{} leads to {} in zone {}", wanted, *owner, *found);
    return finding;
  }
  const base::Code code = found.error().code;
  const bool sure = code == base::Code::not_found ||
                    (!owner && code == base::Code::refused && owner.error().retry == base::Retry::never);
  finding.verdict = sure ? Verdict::bad : Verdict::unknown;
  finding.text = found.error().what + (sure ? ": delegate the zone, or mend the CNAME records" : "");
  return finding;
}

// dns-persist-01 without a provider. By which name the CA goes in the record it says with the challenge only; mostly it
// is one of its CAA identities.
Finding Look::record(const Identifier& identifier) const {
  Finding finding{"record", identifier.value, Verdict::good, {}};
  const auto& identities = asked_.directory.caa_identities;
  ChallengeTask task;
  task.identifier = identifier.base();
  task.wildcard = identifier.wildcard();
  task.account_url = asked_.account_url;
  task.issuer_domain_names = identities.empty() ? std::vector<std::string>{"ISSUER-DOMAIN-NAME"} : identities;
  DnsRecord wanted = dns_record_of(asked_.challenge, task);
  if (auto owner = lookup_.follow_cname(wanted.owner, asked_.stop)) wanted.owner = *std::move(owner);
  const auto answer = lookup_.ask({wanted.owner, DnsType::txt}, asked_.stop);
  if (!answer) {
    finding.verdict = Verdict::unknown;
    finding.text = "could not be asked: " + answer.error().what;
    return finding;
  }
  const std::string ours = "accounturi=" + asked_.account_url;
  const auto names_us = [&](std::string_view value) {
    const auto at = value.find(ours);
    if (at == std::string_view::npos) return false;
    const auto end = value.substr(at + ours.size(), 1);
    return end.empty() || end == ";" || end == " ";  // else another account's, whose number begins like ours
  };
  for (const auto& value : answer->contents(normal_name(wanted.owner), DnsType::txt)) {
    const bool for_this = !task.wildcard || value.find("policy=wildcard") != std::string::npos;
    if (!names_us(value) || !for_this) continue;
    finding.text = fmt::format("{} permits it", wanted.owner);
    return finding;
  }
  finding.verdict = Verdict::bad;
  finding.text = fmt::format("{} does not permit it; add to it the TXT record \"{}\"", wanted.owner, wanted.value);
  return finding;
}

Finding Look::caa(const Identifier& identifier) const {
  Finding finding{"CAA", identifier.value, Verdict::good, {}};
  const auto& identities = asked_.directory.caa_identities;
  const auto found = find_caa(lookup_, identifier.base().value, asked_.stop);
  if (!found) {
    // The CA fails closed too (RFC 8659 §3), but its resolver is not ours.
    finding.verdict = Verdict::unknown;
    finding.text = "could not be asked: " + found.error().what;
    return finding;
  }
  if (found->records.empty()) {
    finding.text = "no CAA record restricts it";
    return finding;
  }
  const CaaDecision decision = decide_caa(found->records, {identifier.wildcard(), identities, asked_.account_url,
                                                           std::string(config::to_string(asked_.challenge))});
  finding.text = fmt::format("{}: {}", found->owner, decision.why);
  if (decision.allowed) return finding;
  if (identities.empty()) {
    finding.verdict = Verdict::unknown;
    finding.text += "; the CA does not say by which name it goes in CAA records";
    return finding;
  }
  finding.verdict = Verdict::bad;
  finding.text += fmt::format("; add to {} a record: CAA 0 {} \"{}\"", found->owner,
                              identifier.wildcard() ? "issuewild" : "issue", identities.front());
  return finding;
}

Finding clock_finding(const Directory& directory) {
  Finding finding{"clock", {}, Verdict::good, "agrees with the CA's"};
  if (!directory.clock_ahead) {
    finding.verdict = Verdict::unknown;
    finding.text = "the CA does not say what time it has";
    return finding;
  }
  const std::chrono::seconds ahead = *directory.clock_ahead;
  if (ahead > clock_tolerance || ahead < -clock_tolerance) {
    finding.verdict = Verdict::bad;
    finding.text = fmt::format(
        "this machine's clock is {} s {} the CA's: set it (NTP), or new certificates look not "
        "yet valid or expired",
        std::abs(ahead.count()), ahead.count() > 0 ? "behind" : "ahead of");
  }
  return finding;
}

}  // namespace

Preflight::Options Preflight::options_for(const config::AcmeIssuer& issuer, Options otherwise) {
  otherwise.nameservers = issuer.nameservers;
  otherwise.http_port = issuer.http_port;
  otherwise.tls_port = issuer.tls_port;
  otherwise.records_by_hand = !issuer.dns;
  return otherwise;
}

Preflight::Preflight(ChallengeTable& table, const base::Clock& clock, Options options)
    : table_(table), clock_(clock), options_(std::move(options)) {}

std::vector<Finding> Preflight::look(const std::vector<Identifier>& names, ChallengeType challenge,
                                     const Directory& directory, const std::string& account_url, std::stop_token stop) {
  const base::SteadyTime end = clock_.steady() + longest_look;
  std::vector<Finding> findings{clock_finding(directory)};
  Look look(table_, options_, {challenge, directory, account_url, stop});
  for (const Identifier& name : names) {
    // Not begun without the time for one whole name; what is left out holds nothing back.
    if (stop.stop_requested() || clock_.steady() + options_.timeout * 4 > end) {
      findings.push_back({"resolves", name.value, Finding::Verdict::unknown, "not looked at: no time was left"});
      continue;
    }
    std::ranges::move(look.at(name), std::back_inserter(findings));
  }
  return findings;
}

}  // namespace acme
