// Accounts: the account at each CA: found, made, kept. RFC 8555 §7.3.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include "acme/client.h"
#include "acme/lock.h"
#include "acme/storage.h"
#include "config/issuers.h"

namespace acme {

// Any thread. One account for each directory and, with external account binding, each key identifier, unless the
// issuer names its account. The key is stored before the CA hears of it, so that no crash leaves an account whose key
// is lost.
class Accounts {
 public:
  Accounts(Storage& storage, Locks& locks);

  // The storage key of what belongs to an issuer's account: "acme-v02.api.letsencrypt.org_directory", or what
  // the issuer calls it.
  [[nodiscard]] static std::string id_of(const config::AcmeIssuer& issuer);

  // As long as it lives, an order signs with the account's key, and roll_over() is refused in every process. Taken with
  // lock_of_certificate(certificate) held, which tells a living order from one that was killed, and before open().
  class Use {
   public:
    Use(Storage& storage, std::string key) : storage_(&storage), key_(std::move(key)) {}
    ~Use();
    Use(Use&& from) noexcept : storage_(from.storage_), key_(std::exchange(from.key_, {})) {}
    Use& operator=(Use&&) = delete;

   private:
    Storage* storage_;
    std::string key_;  // empty: moved from
  };
  Outcome<Use> use(const config::AcmeIssuer& issuer, const std::string& certificate);

  // Without asking the CA if the account is known and its contact has not changed. Blocking.
  Outcome<Signer> open(Client& client, const config::AcmeIssuer& issuer, std::stop_token stop);
  // The CA says that it does not know the account (it was reset): the next open() asks for it again, with the same key.
  void doubt(const config::AcmeIssuer& issuer);
  // RFC 8555 §7.3.5. The new key is stored before the CA hears of it; after a crash in between, open() finds out which
  // one the CA knows. `refused` if the configuration gives the key, or while it is in use.
  Outcome<void> roll_over(Client& client, const config::AcmeIssuer& issuer, std::stop_token stop);
  // RFC 8555 §7.3.6. For ever: open() refuses from then on, until the record is removed by hand.
  Outcome<void> deactivate(Client& client, const config::AcmeIssuer& issuer, std::stop_token stop);

 private:
  struct Record;
  // With the lock.
  Outcome<Signer> open_held(Client& client, const config::AcmeIssuer& issuer, const std::stop_token& stop);
  // The certificate that is being ordered; empty: none is.
  std::string in_use(const config::AcmeIssuer& issuer, const std::stop_token& stop);
  Outcome<std::unique_ptr<Lock>> lock(const config::AcmeIssuer& issuer, std::stop_token stop);
  Outcome<AccountKey> key_of(const config::AcmeIssuer& issuer);
  Outcome<Signer> register_account(Client& client, const config::AcmeIssuer& issuer, const AccountKey& key,
                                   std::stop_token stop);
  Outcome<void> settle_roll_over(Client& client, const config::AcmeIssuer& issuer, std::stop_token stop);
  [[nodiscard]] Record read(const config::AcmeIssuer& issuer) const;
  Outcome<void> write(const config::AcmeIssuer& issuer, const Record& record);

  Storage& storage_;
  Locks& locks_;
};

}  // namespace acme
