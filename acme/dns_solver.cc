// The Solver that shows TXT records. RFC 8555 §8.4.
#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/dns_lookup.h"
#include "acme/dns_propagation.h"
#include "acme/solver.h"
#include "base/ascii.h"
#include "base/base32.h"
#include "base/json.h"
#include "base/log.h"
#include "base/openssl.h"
#include "base/stoppable_wait.h"

namespace acme {
namespace {

using config::ChallengeType;

constexpr std::string_view folder = "dns";

// Written down before it is added, and until it is removed.
struct AddedRecord {
  DnsRecord record;
  std::int64_t added = 0;  // seconds since the epoch
};

std::string storage_key(const DnsRecord& record) {
  std::array<unsigned char, 32> digest{};
  const std::string text = record.owner + '\n' + record.value;
  EVP_Q_digest(nullptr, "SHA256", nullptr, text.data(), text.size(), digest.data(), nullptr);
  return fmt::format("{}/{}", folder,
                     base::to_base32_lower({reinterpret_cast<const char*>(digest.data()), digest.size()}));
}

std::string to_text(const AddedRecord& added) {
  return base::json_line(
      nlohmann::json{{"owner", added.record.owner}, {"value", added.record.value}, {"added", added.added}});
}

std::optional<AddedRecord> added_record_from(const std::string& text) {
  const auto json = base::parse_json(text);
  const bool good = json.is_object() && json.contains("owner") && json["owner"].is_string() && json.contains("value") &&
                    json["value"].is_string() && json.contains("added") && json["added"].is_number_integer();
  if (!good) return std::nullopt;
  return AddedRecord{{json["owner"], json["value"]}, json["added"]};
}

std::int64_t seconds_of(base::SystemTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

// What is on its way into a record comes from the CA; nothing in it may end the value or begin another part of it
// (RFC 8659 §4.2).
bool fits_in_value(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f && c != ';'; });
}

std::string_view first_label(std::string_view name) {
  return name.substr(0, name.find('.'));
}

// Who owns a name chooses where its CNAME leads: into any zone that we may write, to the SPF record of another, say.
// Names that are only for challenges are harmless, and so is a zone that the operator has named for them.
bool may_lead_to(std::string_view target, std::string_view wanted, std::string_view zone) {
  const std::string name = base::lower_case(target);
  const std::string within = '.' + base::lower_case(zone);
  return first_label(name) == "_acme-challenge" || first_label(name) == base::lower_case(first_label(wanted)) ||
         (!zone.empty() && ('.' + name).ends_with(within));
}

class DnsChallengeSolver final : public Solver {
 public:
  DnsChallengeSolver(std::shared_ptr<DnsZone> zone, Storage& storage, DnsSolverOptions options)
      : zone_(std::move(zone)), storage_(storage), options_(std::move(options)), lookup_({options_.nameservers}) {}

  ChallengeType type() const override { return options_.type; }
  base::Result<void> present(const ChallengeTask& task, std::stop_token stop) override;
  base::Result<void> clean_up(const ChallengeTask& task, std::stop_token stop) override;

 private:
  // The record where it really is to stand.
  [[nodiscard]] base::Result<DnsRecord> record_for(const ChallengeTask& task, const std::stop_token& stop) const;
  base::Result<void> add(const DnsRecord& record, const std::stop_token& stop);
  base::Result<void> remove(const DnsRecord& record, const std::stop_token& stop);
  [[nodiscard]] base::Result<void> wait_until_shown(const DnsRecord& record, const std::stop_token& stop) const;

  const std::shared_ptr<DnsZone> zone_;
  Storage& storage_;
  const DnsSolverOptions options_;
  const DnsLookup lookup_;
};

base::Result<DnsRecord> DnsChallengeSolver::record_for(const ChallengeTask& task, const std::stop_token& stop) const {
  if (task.identifier.type != Identifier::Type::dns) {
    return base::fail(base::Code::invalid, "an address has no DNS challenge (RFC 8738 §7): use http-01 or tls-alpn-01");
  }
  const bool persistent = options_.type == ChallengeType::dns_persist01;
  if (persistent && (task.issuer_domain_names.empty() || !fits_in_value(task.issuer_domain_names.front()) ||
                     !fits_in_value(task.account_url))) {
    return base::fail(base::Code::protocol, "dns-persist-01: the server named no issuer domain that fits in a record");
  }
  DnsRecord record = dns_record_of(options_.type, task);
  auto owner = lookup_.follow_cname(record.owner, stop);
  if (!owner) return std::unexpected(std::move(owner).error());
  if (*owner != record.owner && !may_lead_to(*owner, record.owner, options_.zone)) {
    return base::fail(
        base::Code::refused,
        fmt::format("{} is a CNAME that leads to {}, where nothing is written: lead it to a name that begins "
                    "with _acme-challenge, or to one in the `zone` of the issuer's `dns`",
                    record.owner, *owner));
  }
  record.owner = *std::move(owner);
  return record;
}

base::Result<void> DnsChallengeSolver::present(const ChallengeTask& task, std::stop_token stop) {
  const auto record = record_for(task, stop);
  if (!record) return std::unexpected(record.error());
  if (options_.type == ChallengeType::dns_persist01) {
    const auto there = shown_everywhere(lookup_, *record, stop);
    if (there && *there) return {};
  }
  if (zone_ == nullptr) {
    return base::fail(base::Code::not_found,
                      fmt::format("{} has to have the TXT record \"{}\", and no DNS provider is configured to add it",
                                  record->owner, record->value));
  }
  if (auto added = add(*record, stop); !added) return added;
  return wait_until_shown(*record, stop);
}

base::Result<void> DnsChallengeSolver::add(const DnsRecord& record, const std::stop_token& stop) {
  if (options_.type != ChallengeType::dns_persist01) {
    const AddedRecord added{record, seconds_of(base::system_clock().now())};
    if (auto written = storage_.write(storage_key(record), to_text(added)); !written) {
      return std::unexpected(std::move(written).error().in("DNS record to be added"));
    }
  }
  return zone_->add(record.owner, record.value, options_.ttl, stop);
}

base::Result<void> DnsChallengeSolver::remove(const DnsRecord& record, const std::stop_token& stop) {
  if (auto removed = zone_->remove(record.owner, record.value, stop); !removed) return removed;
  return storage_.remove(storage_key(record));
}

base::Result<void> DnsChallengeSolver::wait_until_shown(const DnsRecord& record, const std::stop_token& stop) const {
  if (options_.propagation.check == config::DnsPropagation::Check::authoritative) {
    if (auto shown = wait_for_propagation(lookup_, record, options_.propagation, stop); !shown) return shown;
  }
  if (options_.propagation.delay.count() == 0) return {};
  const auto delay = options_.propagation.delay;
  base::StoppableWait wait(std::chrono::steady_clock::now() + delay + std::chrono::seconds(1), stop);
  return wait.pass(delay);
}

base::Result<void> DnsChallengeSolver::clean_up(const ChallengeTask& task, std::stop_token stop) {
  if (options_.type == ChallengeType::dns_persist01 || zone_ == nullptr) return {};
  const DnsRecord wanted = dns_record_of(options_.type, task);
  // Where it was added is written down; a CNAME may have been changed since. Each value is unguessable and of one task.
  const auto keys = storage_.list(std::string(folder));
  if (!keys) return std::unexpected(keys.error());
  base::Result<void> done;
  for (const std::string& key : *keys) {
    const auto text = storage_.read(key);
    const auto added = text && *text ? added_record_from(**text) : std::nullopt;
    if (!added || added->record.value != wanted.value) continue;
    if (stop.stop_requested()) return base::fail(base::Code::cancelled, "stopped; it is taken away at the next start");
    if (auto removed = remove(added->record, stop); !removed) done = std::move(removed);
  }
  return done;
}

}  // namespace

std::unique_ptr<Solver> make_dns_solver(std::shared_ptr<DnsZone> zone, Storage& storage, DnsSolverOptions options) {
  return std::make_unique<DnsChallengeSolver>(std::move(zone), storage, std::move(options));
}

base::Result<unsigned> sweep_dns_records(DnsZone& zone, Storage& storage, base::SystemTime added_before,
                                         std::stop_token stop) {
  const auto keys = storage.list(std::string(folder));
  if (!keys) return std::unexpected(keys.error());
  unsigned taken_away = 0;
  for (const std::string& key : *keys) {
    if (stop.stop_requested()) return base::fail(base::Code::cancelled, "stopped");
    const auto text = storage.read(key);
    if (!text) return std::unexpected(text.error());
    const auto added = *text ? added_record_from(**text) : std::nullopt;
    if (!added || added->added >= seconds_of(added_before)) continue;
    if (const auto removed = zone.remove(added->record.owner, added->record.value, stop); !removed) {
      base::log::warning("A DNS record of an order that was broken off could not be removed",
                         {{"owner", added->record.owner}, {"error", removed.error().what}});
      continue;
    }
    if (auto forgotten = storage.remove(key); !forgotten) return std::unexpected(forgotten.error());
    ++taken_away;
  }
  return taken_away;
}

}  // namespace acme
