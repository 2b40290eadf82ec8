// ClusterVaults: certificates of Key Vaults that objects of the cluster name, in the place of Secrets that nobody has
// filled. A source of the gateway; owns a thread, and a source for each object of a vault, which is shared.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "certstore/source.h"
#include "config/azure.h"
#include "kube/vault_claim.h"

namespace app {

class ClusterVaults final : public certstore::Source {
 public:
  static constexpr std::string_view source_name = "key vault objects";
  // Whoever may write objects and Ingresses of a namespace can have so much followed: each costs a thread and polls.
  static constexpr std::size_t most_followed = 256;
  static constexpr std::size_t most_of_namespace = 64;

  struct Options {
    // Whether, and as what, it may be followed.
    std::function<base::Result<config::KeyVaultCertificate>(const kube::VaultRead&)> request;
    std::function<std::unique_ptr<certstore::Source>(const config::KeyVaultCertificate&)> follow;
  };

  ClusterVaults() = default;
  ~ClusterVaults() override;
  ClusterVaults(const ClusterVaults&) = delete;
  ClusterVaults& operator=(const ClusterVaults&) = delete;

  [[nodiscard]] std::string name() const override { return std::string(source_name); }
  // Nothing is there before the first take().
  void start(certstore::Report report) override { report_ = std::move(report); }
  // Before the first take(), after start(). What the options name outlives it.
  void connect(Options options);

  // What is to be followed now. One thread.
  void take(const kube::VaultChanges& changes);
  // Until all that is followed has been answered, good or not, or this time is over. Blocking.
  void wait_until_known(std::chrono::milliseconds patience);

 private:
  struct Wanted {
    kube::ServedVault served;
    std::string problem;  // why it is not followed; empty: it is, or is yet to be looked at
    std::string key;      // of the reader; empty: none
  };
  // One object of a vault.
  struct Reader {
    std::set<kube::ObjectName> secrets;
    base::Result<certstore::CertificatePtr> last;
    bool answered = false;                      // by the vault
    std::unique_ptr<certstore::Source> source;  // last: it reports into the rest
  };
  using Readers = std::map<std::string, std::unique_ptr<Reader>>;
  struct Start {
    std::string key;
    config::KeyVaultCertificate what;
  };

  void run(const std::stop_token& stop);
  void look_at_all_again();
  void start_readers();
  // ---- With the mutex held.

  // Those that are not needed any more; what is to be started is put into starting_.
  void arrange(std::vector<std::unique_ptr<Reader>>& ending);
  [[nodiscard]] std::optional<config::KeyVaultCertificate> look_at(Wanted& wanted) const;
  void leave(const kube::ObjectName& name, Wanted& wanted);
  void join(const kube::ObjectName& name, config::KeyVaultCertificate request);
  [[nodiscard]] certstore::Candidate candidate(const kube::ObjectName& name, const Wanted& wanted) const;

  void answered(Reader& reader, const certstore::Change& change);

  Options options_;
  certstore::Report report_;
  std::mutex mutex_;  // guards the rest; held while something is reported, so that nothing old comes last
  std::condition_variable_any changed_;
  std::map<kube::ObjectName, Wanted> wanted_;
  std::set<kube::ObjectName> touched_;
  std::set<kube::ObjectName> gone_;
  std::set<kube::ObjectName> without_room_;
  Readers readers_;
  std::vector<Start> starting_;  // readers whose source is not there yet
  bool news_ = false;            // of take()
  bool busy_ = false;            // with what came of it
  std::jthread thread_;
};

}  // namespace app
