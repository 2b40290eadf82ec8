// KeyVaultSource: certificates of a vault, followed as their versions change. Owns one thread, which polls.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "azure/key_vault.h"
#include "azure/rest.h"
#include "azure/services.h"
#include "azure/vault_reason.h"
#include "certstore/source.h"
#include "config/azure.h"

namespace azure {

// What a poll has found, for metrics and the status.
struct KeyVaultStatus {
  std::uint64_t rounds = 0;                       // polls that ended, good or not
  std::uint64_t polls = 0;                        // that read the whole of what is followed
  std::map<VaultReason, std::uint64_t> failures;  // of polls, and of single certificates in them
  std::uint64_t versions = 0;                     // taken: their secrets were read
  std::optional<base::SystemTime> last_success;
  std::size_t certificates = 0;
  std::chrono::milliseconds pause{0};  // until the next poll
};

class KeyVaultSource final : public certstore::Source {
 public:
  struct Options {
    bool is_default = false;
    // start() returns after this, even if the vault has not answered yet.
    std::chrono::milliseconds patience{10'000};
    Client::Wait wait = {};                           // between polls; empty: base::wait_for
    std::chrono::milliseconds between_looks{10'000};  // that were not due: at least
  };

  KeyVaultSource(std::shared_ptr<const Services> services, config::KeyVaultCertificate config, Options options);
  ~KeyVaultSource() override;

  [[nodiscard]] std::string name() const override;
  // Certificates that were not read within the patience are reported as failed, and as what they are once they are
  // read.
  void start(certstore::Report report) override;

  // Reports nothing any more when this returns; examine() and status() go on answering. Blocking, not for long.
  void stop();
  // Whether we may list and read what is followed, asked now. Nothing: yes. Blocking. Any thread.
  [[nodiscard]] std::optional<VaultProblem> examine(const std::stop_token& stop);
  // Something has changed in the vault: look at once, but neither sooner after the last look than Options says, nor
  // before the vault wants to be asked again. Any thread.
  void look();
  [[nodiscard]] KeyVaultStatus status() const;                             // any thread
  [[nodiscard]] const std::string& vault() const { return vault_.url(); }  // "https://my-vault.vault.azure.net"
  // Whether a change of this certificate or secret concerns this source. Any thread.
  [[nodiscard]] bool follows(std::string_view object) const;

 private:
  // What is known of one certificate. Only the thread touches it.
  struct Held {
    VaultItem seen;                  // its element of the vault's list, when its versions were last read
    std::string version;             // whose secret was read last, good or not: a version never changes
    certstore::CertificatePtr good;  // the last good one
    std::string good_version;
    std::optional<VaultProblem> problem;  // why there is nothing better
    bool missed = false;                  // by the last list
  };
  using Wanted = std::vector<VaultItem>;

  void run(const std::stop_token& stop);
  // How long until the next poll.
  [[nodiscard]] std::chrono::milliseconds poll(const std::stop_token& stop);
  [[nodiscard]] Outcome<Wanted> wanted(const std::stop_token& stop);
  [[nodiscard]] bool selects(const VaultItem& item) const;
  // The failure of the whole vault, if it is one: the others need not be asked for then.
  [[nodiscard]] std::optional<AzureFailure> refresh(const std::string& object, Held& held, const std::stop_token& stop);
  [[nodiscard]] Outcome<std::vector<VaultItem>> usable_versions(const std::string& object, Held& held,
                                                                const std::stop_token& stop);
  [[nodiscard]] std::optional<AzureFailure> take_version(const std::string& object, const VaultItem& version,
                                                         Held& held, const std::stop_token& stop);
  [[nodiscard]] std::chrono::milliseconds failed_poll(AzureFailure failure);
  void fail(const std::string& object, Held& held, VaultProblem problem);
  [[nodiscard]] certstore::Candidate candidate(const std::string& object, const Held& held) const;
  [[nodiscard]] std::chrono::milliseconds jittered(std::chrono::milliseconds time);
  void tell(const std::string& object, const Held& held);
  void tell_everything();
  void report(certstore::Change change);

  const std::shared_ptr<const Services> services_;
  const config::KeyVaultCertificate config_;
  const Options options_;
  KeyVault vault_;
  certstore::Report report_;

  std::map<std::string, Held> held_;         // by the object's name; of the thread
  std::optional<VaultProblem> whole_;        // why the vault as a whole cannot be read; of the thread
  bool complete_ = false;                    // everything was told once; of the thread
  unsigned failures_ = 0;                    // polls in a row; of the thread
  std::chrono::milliseconds not_before_{0};  // what the vault itself asks for, after the last poll; of the thread
  std::minstd_rand random_;

  Rest rest_;  // between polls

  mutable std::mutex mutex_;  // guards the next three
  std::condition_variable_any changed_;
  KeyVaultStatus status_;
  bool polled_ = false;

  std::mutex reporting_;  // one report at a time: the thread's, and that of start()
  bool told_ = false;     // with reporting_ held
  std::jthread thread_;   // last: it uses the rest
};

}  // namespace azure
