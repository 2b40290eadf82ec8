// SecretChallengeTable: acme::ChallengeTable of a cluster. Challenges go through one Secret that every replica watches;
// each says in a Lease of its own which state of it its workers answer from, and the CA is told when all do.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "acme/challenge_table.h"
#include "kube/challenge_secret.h"
#include "kube/client.h"
#include "kube/list_watch.h"
#include "kube/replicas.h"

namespace kube {

// Any thread.
class SecretChallengeTable final : public acme::ChallengeTable, private WatchHandler {
 public:
  // Hands the whole table over and returns when this process's own workers answer from it. One call at a time; the
  // first one in the constructor.
  using Publish = std::function<void(std::shared_ptr<const certstore::Challenges>)>;
  struct Options {
    std::string name_space;
    std::string identity;  // process_identity()
    std::string secret = "sekisho-challenges";
    std::chrono::milliseconds patience_with_api{5'000};      // of the constructor, for the first look
    std::chrono::milliseconds patience_with_others{10'000};  // of put, for replicas that do not answer
    std::chrono::milliseconds look_again{50};
    std::chrono::milliseconds renewal{10'000};  // a third of the time after which a replica counts as gone
    Pace pace = {};                             // of the watch
  };

  SecretChallengeTable(Client& client, Options options, Publish publish);
  ~SecretChallengeTable() override;  // we serve no more
  SecretChallengeTable(const SecretChallengeTable&) = delete;
  SecretChallengeTable& operator=(const SecretChallengeTable&) = delete;

  [[nodiscard]] base::Result<void> put_http01(const std::string& token, const std::string& key_authorization,
                                              std::stop_token stop) override;
  [[nodiscard]] base::Result<void> put_tls_alpn01(const std::string& server_name,
                                                  const certstore::CertificatePtr& certificate,
                                                  std::stop_token stop) override;
  void remove_http01(const std::string& token) override;
  void remove_tls_alpn01(const std::string& server_name) override;

  [[nodiscard]] WatchState state() const { return watch_.state(); }

 private:
  // True: write it. Called again with what another replica has written meanwhile.
  using Edit = std::function<base::Result<bool>(ChallengeSecret&)>;
  [[nodiscard]] base::Result<std::uint64_t> write(const Edit& edit, const std::stop_token& stop);
  [[nodiscard]] base::Result<void> put(const Edit& edit, const std::stop_token& stop);
  void remove(const Edit& edit);
  void take(const nlohmann::json& object, const std::stop_token& stop);
  [[nodiscard]] base::Result<void> wait_for_others(std::uint64_t generation, const std::stop_token& stop);
  void keep_present(const std::stop_token& stop);

  void replaced(std::vector<nlohmann::json> objects) override;
  void changed(nlohmann::json object) override;
  void deleted(const ObjectName& name) override;
  void synced() override;

  Client& client_;
  const Options options_;
  const ObjectName name_;
  Publish publish_;
  Replicas replicas_;
  std::stop_source ended_;
  std::mutex mutex_;  // guards what follows; held while workers take a table over: an older one never comes later
  std::condition_variable first_look_;
  bool looked_ = false;
  std::uint64_t published_ = 0;
  ListWatch watch_;
  std::jthread present_;
};

}  // namespace kube
