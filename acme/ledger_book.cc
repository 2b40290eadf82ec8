#include "acme/ledger_book.h"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "base/json.h"
#include "base/log.h"
#include "base/timestamps.h"

namespace acme {
namespace {

constexpr std::chrono::milliseconds lock_patience{30'000};

}  // namespace

LedgerBook::LedgerBook(Storage& storage, Locks& locks, const base::Clock& clock, std::string account,
                       std::stop_token stop)
    : storage_(storage), locks_(locks), clock_(clock), account_(std::move(account)), stop_(std::move(stop)) {}

Outcome<void> LedgerBook::order(const std::vector<Identifier>& names, Ledger::Kind kind) {
  return change([&](Ledger& ledger) -> Outcome<void> {
    const Ledger::Verdict verdict = ledger.may_order(names, kind, clock_.now());
    if (verdict.not_before) {
      auto held =
          failed(base::Code::overloaded, fmt::format("held back until {}, so that the CA's limit is not reached: {}",
                                                     base::to_rfc3339(*verdict.not_before), verdict.limit));
      held.error().not_before = verdict.not_before;
      return held;
    }
    ledger.ordered(clock_.now());
    return {};
  });
}

void LedgerBook::issued(const std::vector<Identifier>& names) {
  const auto noted = change([&](Ledger& ledger) -> Outcome<void> {
    ledger.issued(names, clock_.now());
    return {};
  });
  if (!noted) base::log::warning("the ledger cannot be written", {{"error", noted.error().error.what}});
}

void LedgerBook::authorization_failed(const Identifier& identifier) {
  const auto noted = change([&](Ledger& ledger) -> Outcome<void> {
    ledger.authorization_failed(identifier, clock_.now());
    return {};
  });
  if (!noted) base::log::warning("the ledger cannot be written", {{"error", noted.error().error.what}});
}

Outcome<void> LedgerBook::change(const std::function<Outcome<void>(Ledger&)>& change) {
  const auto lock = locks_.take("ledger-" + account_, lock_patience, stop_);
  if (!lock) return failed(lock.error());
  const std::string key = "ledgers/" + account_ + ".json";
  const auto text = storage_.read(key);
  if (!text) return failed(text.error());
  Ledger ledger;
  if (*text) {
    if (const auto json = parse_json(**text)) ledger = Ledger::from(*json);
  }
  if (auto changed = change(ledger); !changed) return changed;
  if (auto written = storage_.write(key, base::json_line(ledger.to_json(clock_.now())) + "\n"); !written) {
    return failed(written.error());
  }
  return {};
}

}  // namespace acme
