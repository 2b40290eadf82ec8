#include "acme/obtain.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/authorize.h"
#include "acme/chain_choice.h"
#include "acme/csr.h"
#include "acme/json_fields.h"
#include "acme/order_journal.h"
#include "acme/pauses.h"
#include "base/json.h"
#include "base/log.h"

namespace acme {
namespace {

using std::chrono::seconds;

constexpr std::size_t orders_looked_at = 20;  // of an account, for one whose URL was lost

bool same_names(std::vector<Identifier> left, std::vector<Identifier> right) {
  std::ranges::sort(left);
  std::ranges::sort(right);
  return left == right;
}

bool may_be_about_replaces(const Failure& failure) {
  if (!failure.problem) return false;
  const ProblemType type = failure.problem->type;
  return type == ProblemType::already_replaced || type == ProblemType::malformed || type == ProblemType::unauthorized;
}

bool has_ended(Order::Status status) {
  return status == Order::Status::invalid;
}

class Flow {
 public:
  Flow(const Wanted& wanted, const Workbench& bench, std::stop_token stop)
      : wanted_(wanted), bench_(bench), stop_(std::move(stop)) {}

  // RFC 8555 §7.1: order, authorizations, finalize, certificate.
  Outcome<certstore::CertificatePtr> run() {
    auto order = resume();
    if (!order) return std::unexpected(std::move(order.error()));
    if (!*order) {
      auto begun = begin();
      if (!begun) return std::unexpected(std::move(begun.error()).in("new order"));
      *order = std::move(*begun);
    }
    if ((*order)->status == Order::Status::pending) {
      if (auto authorized = authorize(**order, wanted_, bench_, progress_, stop_); !authorized)
        return std::unexpected(std::move(authorized.error()));
      auto polled = bench_.client.order(bench_.signer, journal_.order_url, stop_);
      if (!polled) return std::unexpected(std::move(polled.error()).in("order"));
      **order = std::move(polled->value);
    } else {
      clean_up_after(**order, wanted_, bench_, stop_);
    }
    if (auto finalized = finalize(**order); !finalized)
      return std::unexpected(std::move(finalized.error()).in("finalize"));
    auto certificate = download(**order);
    if (!certificate) return std::unexpected(std::move(certificate.error()).in("certificate"));
    show(OrderProgress::Step::done);
    return certificate;
  }

 private:
  // ---- The order

  // The order of the journal, if it can still become a certificate.
  Outcome<std::optional<Order>> resume() {
    show(OrderProgress::Step::order);
    auto journal = read_journal(wanted_.journal);
    if (!journal) return std::nullopt;
    if (journal->directory_url != bench_.client.directory_url() || journal->account_url != bench_.signer.account_url ||
        journal->profile != wanted_.profile || !same_names(journal->identifiers, wanted_.identifiers)) {
      forget_order(bench_.storage, wanted_.journal);
      return std::nullopt;
    }
    journal_ = std::move(*journal);
    if (journal_.order_url.empty()) {
      auto found = find_lost_order();
      if (!found) return std::unexpected(std::move(found.error()));
      if (*found) adopt(**found);
      return found;
    }
    auto order = bench_.client.order(bench_.signer, journal_.order_url, stop_);
    // Only an answer that the order is not there, or is nobody's of ours, ends it; a server in trouble does not.
    if (!order && (!order.error().problem || order.error().mends_itself()) &&
        order.error().error.code != base::Code::not_found) {
      return std::unexpected(std::move(order.error()).in("order"));
    }
    if (!order || has_ended(order->value.status)) {
      forget_order(bench_.storage, wanted_.journal);
      return std::nullopt;
    }
    adopt(order->value);
    base::log::info("going on with an order",
                    {{"order", journal_.order_url}, {"status", std::string(to_string(order->value.status))}});
    return std::optional(std::move(order->value));
  }

  // The process ended between newOrder and its answer: the server has the order, we have not its URL.
  Outcome<std::optional<Order>> find_lost_order() {
    const auto account = bench_.client.account(bench_.signer, stop_);
    if (!account) return std::unexpected(account.error());
    const auto urls = bench_.client.orders(bench_.signer, *account, stop_);
    if (!urls) return std::nullopt;  // many servers do not list them
    const std::set<std::string> others = orders_of_other_journals();
    std::size_t looked_at = 0;
    for (auto url = urls->rbegin(); url != urls->rend() && looked_at < orders_looked_at; ++url, ++looked_at) {
      if (others.contains(*url)) continue;
      auto order = bench_.client.order(bench_.signer, *url, stop_);
      if (!order) continue;
      const bool open = order->value.status == Order::Status::pending || order->value.status == Order::Status::ready;
      if (open && same_names(order->value.identifiers, wanted_.identifiers))
        return std::optional(std::move(order->value));
    }
    return std::nullopt;
  }

  // An order says nothing of the key that it is going to be finalized with: what another journal goes on with, for the
  // other kind of key, is not ours.
  std::set<std::string> orders_of_other_journals() const {
    std::set<std::string> urls;
    const auto keys = bench_.storage.list("orders");
    for (const std::string& key : keys.value_or(std::vector<std::string>{})) {
      if (key == wanted_.journal) continue;
      if (const auto journal = read_journal(key); journal && !journal->order_url.empty())
        urls.insert(journal->order_url);
    }
    return urls;
  }

  Outcome<Order> begin() {
    if (!bench_.lock.still_held()) return failed(base::Code::cancelled, "the lock was lost");
    if (bench_.before_order) {
      if (auto allowed = bench_.before_order(); !allowed) return std::unexpected(std::move(allowed.error()));
    }
    journal_ = {.directory_url = bench_.client.directory_url(),
                .account_url = bench_.signer.account_url,
                .identifiers = wanted_.identifiers,
                .profile = wanted_.profile,
                .replaces = wanted_.replaces,
                .key_pem = wanted_.key_pem,
                .order_url = {},
                .begun = bench_.clock.now()};
    if (auto written = write_journal(); !written) return std::unexpected(std::move(written.error()));
    NewOrder asked{wanted_.identifiers, wanted_.profile, wanted_.replaces};
    auto order = bench_.client.new_order(bench_.signer, asked, stop_);
    // RFC 9773 §5: a certificate can be replaced once; somebody has done it. The order is good without. The same where
    // the CA does not know the certificate any more: after a restore of its own, or because another account has it.
    if (!order && !asked.replaces.empty() && may_be_about_replaces(order.error())) {
      asked.replaces.clear();
      order = bench_.client.new_order(bench_.signer, asked, stop_);
    }
    if (!order) {
      // With an answer there is no order; without, there may be one, and the journal helps to find it.
      if (order.error().problem) forget_order(bench_.storage, wanted_.journal);
      return order;
    }
    adopt(*order);
    if (auto written = write_journal(); !written) return std::unexpected(std::move(written.error()));
    return order;
  }

  void adopt(const Order& order) {
    journal_.order_url = order.url;
    progress_.url = order.url;
    progress_.status = to_string(order.status);
    show(OrderProgress::Step::order);
  }

  // ---- Finalize, RFC 8555 §7.4

  Outcome<void> finalize(Order& order) {
    show(OrderProgress::Step::finalize);
    Pauses pauses(bench_.wait, stop_);
    bool asked = order.status == Order::Status::processing;
    std::optional<seconds> retry_after;
    for (;;) {
      progress_.status = to_string(order.status);
      show(OrderProgress::Step::finalize);
      if (order.status == Order::Status::valid) return {};
      if (order.status == Order::Status::invalid) {
        forget_order(bench_.storage, wanted_.journal);  // RFC 8555 §7.1.6: there is no way back
        return ended(order);
      }
      if (order.status == Order::Status::ready && !asked) {
        auto finalized = send_request(order);
        if (!finalized) return std::unexpected(std::move(finalized.error()));
        asked = finalized->value.status != Order::Status::ready;  // else it was too early, and is asked again
        retry_after = finalized->retry_after;
        if (finalized->value.status == Order::Status::valid) {
          order = std::move(finalized->value);
          continue;
        }
      }
      if (auto waited = pauses.wait(retry_after, "the CA has not signed yet"); !waited) return waited;
      auto polled = bench_.client.order(bench_.signer, journal_.order_url, stop_);
      if (!polled) return std::unexpected(std::move(polled.error()));
      retry_after = polled->retry_after;
      order = std::move(polled->value);
    }
  }

  Outcome<Polled<Order>> send_request(const Order& order) {
    if (!bench_.lock.still_held()) return failed(base::Code::cancelled, "the lock was lost");
    const auto request = make_csr(journal_.key_pem, wanted_.identifiers);
    if (!request) return failed(request.error());
    auto finalized = bench_.client.finalize(bench_.signer, order, *request, stop_);
    if (!finalized && finalized.error().problem) {
      // RFC 8555 §7.4: "orderNotReady": its authorizations are valid, and it has not taken notice of that yet.
      if (finalized.error().problem->type == ProblemType::order_not_ready) return Polled<Order>{order, std::nullopt};
      // The same key and names would be refused again.
      if (finalized.error().problem->type == ProblemType::bad_csr) forget_order(bench_.storage, wanted_.journal);
    }
    return finalized;
  }

  static std::unexpected<Failure> ended(const Order& order) {
    Failure failure{
        .error = {.code = base::Code::refused, .what = "the order became invalid", .origin = base::Origin::control},
        .problem = order.error,
        .not_before = std::nullopt};
    if (order.error) failure.error.what += ": " + order.error->to_string();
    return std::unexpected(std::move(failure));
  }

  // ---- The certificate, RFC 8555 §7.4.2

  Outcome<certstore::CertificatePtr> download(const Order& order) {
    show(OrderProgress::Step::download);
    auto chain = bench_.client.download(bench_.signer, order.certificate, stop_);
    if (!chain) return std::unexpected(std::move(chain.error()));
    if (!wanted_.preferred_chain.empty() && !chain_leads_to(chain->pem, wanted_.preferred_chain))
      prefer_alternate(*chain);
    auto certificate = certstore::Certificate::from_pem(chain->pem, journal_.key_pem);
    if (!certificate) {
      // What the CA signed does not fit our key: another order has to be made.
      forget_order(bench_.storage, wanted_.journal);
      return failed(std::move(certificate.error()));
    }
    if (auto fits = names_fit((*certificate)->facts()); !fits) {
      forget_order(bench_.storage, wanted_.journal);
      return std::unexpected(std::move(fits.error()));
    }
    return *certificate;
  }

  void prefer_alternate(IssuedChain& chain) {
    for (const std::string& url : chain.alternates) {
      auto other = bench_.client.download(bench_.signer, url, stop_);
      if (!other || !chain_leads_to(other->pem, wanted_.preferred_chain)) continue;
      chain.pem = std::move(other->pem);
      return;
    }
    base::log::warning("the CA has no chain that leads where it is preferred",
                       {{"preferred_chain", wanted_.preferred_chain}, {"order", journal_.order_url}});
  }

  Outcome<void> names_fit(const certstore::Facts& facts) const {
    for (const Identifier& identifier : wanted_.identifiers) {
      const auto& names = identifier.type == Identifier::Type::ip ? facts.ip_addresses : facts.dns_names;
      if (std::ranges::find(names, identifier.value) == names.end()) {
        return failed(base::Code::protocol, fmt::format("it is not for {}, which was asked for", identifier.value));
      }
    }
    return {};
  }

  // ---- What all of them need

  void show(OrderProgress::Step step) {
    progress_.step = step;
    if (bench_.show) bench_.show(progress_);
  }

  std::optional<OrderJournal> read_journal(const std::string& key) const {
    const auto text = bench_.storage.read(key);
    if (!text || !*text) return std::nullopt;
    const auto json = parse_json(**text);
    return json ? OrderJournal::from(*json) : std::nullopt;
  }

  Outcome<void> write_journal() {
    if (auto written = bench_.storage.write(wanted_.journal, base::json_lines(journal_.to_json()) + "\n"); !written) {
      return failed(std::move(written.error()));
    }
    return {};
  }

  const Wanted& wanted_;
  const Workbench& bench_;
  std::stop_token stop_;
  OrderJournal journal_;
  OrderProgress progress_;
};

}  // namespace

Outcome<certstore::CertificatePtr> obtain(const Wanted& wanted, const Workbench& bench, std::stop_token stop) {
  return Flow(wanted, bench, std::move(stop)).run();
}

void forget_order(Storage& storage, const std::string& journal) {
  if (const auto removed = storage.remove(journal); !removed) {
    base::log::warning("the journal of an order cannot be removed", {{"error", removed.error().what}});
  }
}

}  // namespace acme
