#include "acme/accounts.h"

#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "acme/target.h"
#include "base/ascii.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"

namespace acme {
namespace {

constexpr std::chrono::milliseconds lock_patience{60'000};

std::string key_of_record(const config::AcmeIssuer& issuer) {
  return fmt::format("accounts/{}/account.json", Accounts::id_of(issuer));
}
std::string key_of_key(const config::AcmeIssuer& issuer) {
  return fmt::format("accounts/{}/key.pem", Accounts::id_of(issuer));
}
std::string key_of_next_key(const config::AcmeIssuer& issuer) {
  return fmt::format("accounts/{}/next-key.pem", Accounts::id_of(issuer));
}

std::string folder_of_uses(const config::AcmeIssuer& issuer) {
  return fmt::format("accounts/{}/uses", Accounts::id_of(issuer));
}

std::vector<std::string> contact_of(const config::AcmeIssuer& issuer) {
  return issuer.email.empty() ? std::vector<std::string>{} : std::vector<std::string>{"mailto:" + issuer.email};
}

bool knows_no_account(const Failure& failure) {
  return failure.problem && failure.problem->type == ProblemType::account_does_not_exist;
}

}  // namespace

struct Accounts::Record {
  std::string url;  // empty: not made yet, or doubted
  std::vector<std::string> contact;
  bool deactivated = false;
};

Accounts::Accounts(Storage& storage, Locks& locks) : storage_(storage), locks_(locks) {}

std::string Accounts::id_of(const config::AcmeIssuer& issuer) {
  if (!issuer.account.empty()) return key_part(issuer.account);
  std::string_view place = issuer.directory;
  if (const auto scheme = place.find("://"); scheme != std::string_view::npos) place.remove_prefix(scheme + 3);
  std::string id = key_part(place);
  if (issuer.external_account) id += "-" + key_part(issuer.external_account->key_id);
  return id;
}

Outcome<Signer> Accounts::open(Client& client, const config::AcmeIssuer& issuer, std::stop_token stop) {
  const auto held = lock(issuer, stop);
  if (!held) return std::unexpected(held.error());
  return open_held(client, issuer, stop);
}

Outcome<Signer> Accounts::open_held(Client& client, const config::AcmeIssuer& issuer, const std::stop_token& stop) {
  if (auto settled = settle_roll_over(client, issuer, stop); !settled) return std::unexpected(settled.error());
  const auto key = key_of(issuer);
  if (!key) return std::unexpected(key.error());

  Record record = read(issuer);
  if (record.deactivated) {
    return failed(base::Code::refused,
                  fmt::format("the account at {} was deactivated; remove {} to have a new one made", issuer.directory,
                              key_of_record(issuer)));
  }
  if (record.url.empty()) return register_account(client, issuer, *key, stop);
  Signer signer{*key, record.url};
  if (record.contact != contact_of(issuer)) {
    const auto changed = client.change_contact(signer, contact_of(issuer), stop);
    if (!changed && knows_no_account(changed.error())) return register_account(client, issuer, *key, stop);
    if (!changed) return std::unexpected(Failure(changed.error()).in("contact of the account"));
    record.contact = contact_of(issuer);
    if (auto written = write(issuer, record); !written) return std::unexpected(written.error());
  }
  return signer;
}

void Accounts::doubt(const config::AcmeIssuer& issuer) {
  Record record = read(issuer);
  record.url.clear();
  if (const auto written = write(issuer, record); !written) {
    base::log::warning("cannot note that an account is gone", {{"error", written.error().error.what}});
  }
}

Outcome<void> Accounts::roll_over(Client& client, const config::AcmeIssuer& issuer, std::stop_token stop) {
  if (!issuer.account_key.empty()) {
    return failed(base::Code::refused, fmt::format("the key of this account is {}: it is the configuration's to change",
                                                   issuer.account_key.string()));
  }
  const auto held = lock(issuer, stop);
  if (!held) return std::unexpected(held.error());
  // What is signed with the old key afterwards would be refused, and the order given up for a day.
  if (const std::string ordered = in_use(issuer, stop); !ordered.empty()) {
    return failed(base::Code::refused, fmt::format("{} is being ordered; try again when it is done", ordered));
  }
  const auto signer = open_held(client, issuer, stop);
  if (!signer) return std::unexpected(signer.error());
  const auto next = AccountKey::make();
  if (!next) return failed(next.error());
  if (auto stored = storage_.write(key_of_next_key(issuer), next->pem()); !stored) return failed(stored.error());
  if (auto changed = client.change_key(*signer, *next, stop); !changed) {
    // An answer that was lost, or a server in trouble, says nothing of which key counts: settle_roll_over() asks, now
    // or the next time.
    if (changed.error().problem) (void)settle_roll_over(client, issuer, stop);
    return std::unexpected(Failure(changed.error()).in("key rollover"));
  }
  return settle_roll_over(client, issuer, stop);
}

Outcome<void> Accounts::deactivate(Client& client, const config::AcmeIssuer& issuer, std::stop_token stop) {
  const auto held = lock(issuer, stop);
  if (!held) return std::unexpected(held.error());
  const auto signer = open_held(client, issuer, stop);
  if (!signer) return std::unexpected(signer.error());
  if (auto done = client.deactivate(*signer, stop); !done) {
    return std::unexpected(Failure(done.error()).in("deactivation of the account"));
  }
  Record record = read(issuer);
  record.deactivated = true;
  return write(issuer, record);
}

Accounts::Use::~Use() {
  if (key_.empty()) return;
  if (const auto removed = storage_->remove(key_); !removed) {
    base::log::warning("an account seems to be in use for longer than it is", {{"error", removed.error().what}});
  }
}

Outcome<Accounts::Use> Accounts::use(const config::AcmeIssuer& issuer, const std::string& certificate) {
  std::string key = folder_of_uses(issuer) + "/" + key_part(certificate);
  if (auto written = storage_.write(key, certificate); !written) return failed(std::move(written.error()));
  return Use(storage_, std::move(key));
}

std::string Accounts::in_use(const config::AcmeIssuer& issuer, const std::stop_token& stop) {
  const auto keys = storage_.list(folder_of_uses(issuer));
  for (const std::string& key : keys.value_or(std::vector<std::string>{})) {
    const auto certificate = storage_.read(key);
    if (!certificate || !*certificate) continue;
    const auto lock = locks_.take(lock_of_certificate(**certificate), std::chrono::milliseconds(0), stop);
    if (!lock) return **certificate;
    (void)storage_.remove(key);  // of a process that was killed
  }
  return {};
}

Outcome<std::unique_ptr<Lock>> Accounts::lock(const config::AcmeIssuer& issuer, std::stop_token stop) {
  auto held = locks_.take("account-" + id_of(issuer), lock_patience, std::move(stop));
  if (!held) return failed(std::move(held.error()).in("account"));
  return std::move(*held);
}

Outcome<AccountKey> Accounts::key_of(const config::AcmeIssuer& issuer) {
  if (!issuer.account_key.empty()) {
    const auto pem = base::read_file(issuer.account_key, 64U << 10U);
    if (!pem) return failed(pem.error());
    auto key = AccountKey::from_pem(*pem);
    if (!key) return failed(std::move(key.error()).in(issuer.account_key.string()));
    return std::move(*key);
  }
  const auto stored = storage_.read(key_of_key(issuer));
  if (!stored) return failed(stored.error());
  if (*stored) {
    auto key = AccountKey::from_pem(**stored);
    if (!key) return failed(std::move(key.error()).in(key_of_key(issuer)));
    return std::move(*key);
  }
  auto made = AccountKey::make();
  if (!made) return failed(made.error());
  if (auto written = storage_.write(key_of_key(issuer), made->pem()); !written) return failed(written.error());
  return std::move(*made);
}

// RFC 8555 §7.3: newAccount with a key that the server knows answers with its account.
Outcome<Signer> Accounts::register_account(Client& client, const config::AcmeIssuer& issuer, const AccountKey& key,
                                           std::stop_token stop) {
  NewAccount wanted{.contact = contact_of(issuer), .terms_agreed = issuer.agree_to_terms};
  if (issuer.external_account) {
    auto hmac = base::read_file(issuer.external_account->hmac_key_file, 64U << 10U);
    if (!hmac) return failed(std::move(hmac.error()).in("external_account"));
    wanted.key_id = issuer.external_account->key_id;
    wanted.hmac_key = base::trimmed(*hmac);
  }
  const auto account = client.new_account(key, wanted, stop);
  if (!account) return std::unexpected(Failure(account.error()).in("account"));
  if (account->status != Account::Status::valid) {
    return failed(base::Code::refused,
                  fmt::format("the account {} is not valid any more at {}", account->url, issuer.directory));
  }
  Record record = read(issuer);
  record.url = account->url;
  record.contact = contact_of(issuer);
  if (auto written = write(issuer, record); !written) return std::unexpected(written.error());
  base::log::info("ACME account", {{"directory", issuer.directory}, {"account", account->url}});
  return Signer{key, account->url};
}

// With a next key there, the CA knows either this one or the old one.
Outcome<void> Accounts::settle_roll_over(Client& client, const config::AcmeIssuer& issuer, std::stop_token stop) {
  const auto stored = storage_.read(key_of_next_key(issuer));
  if (!stored) return failed(stored.error());
  if (!*stored) return {};
  const auto next = AccountKey::from_pem(**stored);
  if (next) {
    const auto account = client.new_account(*next, {.only_existing = true}, stop);
    if (!account && !knows_no_account(account.error())) return std::unexpected(account.error());
    if (account) {
      if (auto written = storage_.write(key_of_key(issuer), next->pem()); !written) return failed(written.error());
    }
  }
  if (auto removed = storage_.remove(key_of_next_key(issuer)); !removed) return failed(removed.error());
  return {};
}

Accounts::Record Accounts::read(const config::AcmeIssuer& issuer) const {
  Record record;
  const auto text = storage_.read(key_of_record(issuer));
  if (!text || !*text) return record;
  const auto json = parse_json(**text);
  if (!json) return record;
  if (const std::string* url = text_member(*json, "url")) record.url = *url;
  record.deactivated = flag_member(*json, "deactivated");
  if (const auto* contact = array_member(*json, "contact")) {
    for (const auto& one : *contact) {
      if (one.is_string()) record.contact.push_back(one);
    }
  }
  return record;
}

Outcome<void> Accounts::write(const config::AcmeIssuer& issuer, const Record& record) {
  const nlohmann::json json{{"directory", issuer.directory},
                            {"url", record.url},
                            {"contact", record.contact},
                            {"deactivated", record.deactivated}};
  if (auto written = storage_.write(key_of_record(issuer), base::json_lines(json) + "\n"); !written)
    return failed(written.error());
  return {};
}

}  // namespace acme
