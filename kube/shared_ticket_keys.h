// SharedTicketKeys: the keys of TLS session tickets that all replicas have in common, in one Secret that each watches.
// Whichever finds that it is time rotates them; by the Secret's resourceVersion one alone succeeds, and the others take
// what it wrote. The next key is in the Secret a whole period before it is used, so all know it by then, and which one
// seals follows from the time alone.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "certstore/ticket_keys.h"
#include "kube/backoff.h"
#include "kube/client.h"
#include "kube/list_watch.h"

namespace kube {

class SharedTicketKeys final : private WatchHandler {
 public:
  using Keys = std::shared_ptr<const certstore::TicketKeySet>;
  struct Options {
    ObjectName secret;
    // How often a new key comes into use; nothing: there are no tickets, and nothing is written. Any thread.
    std::function<std::chrono::seconds()> period;
    // Takes over what is to be used from now on; null: there is nothing of the Secret's, use your own. On this object's
    // thread.
    std::function<void(Keys)> publish;
    std::chrono::milliseconds look_again{60'000};
    // How long a Secret that holds something else is left as it is.
    std::chrono::seconds leave_damage{60};
    Pace pace = {};  // of the watch, and of writing again what was not written
  };
  // For people and metrics.
  struct State {
    bool shared = false;               // what is used is what the Secret says
    base::SystemTime sealing_since{};  // since when the key seals that does now; 0: none of the Secret does
    std::uint64_t written = 0;         // by this replica
    std::uint64_t lost = 0;            // another one was there first
    std::uint64_t failed = 0;
    std::string problem;  // empty: none
  };

  // `client` outlives it.
  SharedTicketKeys(Client& client, Options options);
  ~SharedTicketKeys() override;
  SharedTicketKeys(const SharedTicketKeys&) = delete;
  SharedTicketKeys& operator=(const SharedTicketKeys&) = delete;

  // ---- Any thread.

  // Until it is known once what the Secret holds, but not longer. Blocking.
  void wait_until_known(std::chrono::milliseconds patience);
  [[nodiscard]] State state() const;

 private:
  // The Secret as it was seen last.
  struct Seen {
    enum class What : std::uint8_t { nothing_yet, absent, good, damaged } what = What::nothing_yet;
    certstore::TicketKeySet set;  // if good
    std::string problem;          // if damaged
  };
  enum class Shared : std::uint8_t { no, yes };
  void run(const std::stop_token& stop);
  void pass(const std::stop_token& stop);
  [[nodiscard]] bool is_due(const Seen& seen, std::chrono::seconds period);
  [[nodiscard]] std::optional<certstore::TicketKeySet> next_of(const Seen& there, std::chrono::seconds period) const;
  void write(const Seen& seen, std::chrono::seconds period, const std::stop_token& stop);
  void failed(const ApiFailure& failure, const std::stop_token& stop);
  void use(const Seen& seen, std::chrono::seconds period);
  void publish(Keys keys, Shared shared);
  void say(std::string problem);
  [[nodiscard]] std::chrono::milliseconds pause();
  [[nodiscard]] static Seen seen_in(const nlohmann::json& object);
  [[nodiscard]] Seen last_seen() const;
  void see(Seen seen);
  void count(std::uint64_t State::* what);

  void replaced(std::vector<nlohmann::json> objects) override;
  void changed(nlohmann::json object) override;
  void deleted(const ObjectName& name) override;
  void synced() override;

  Client& client_;
  const Options options_;
  // Of the thread alone.
  Keys keys_;                                     // the last that were published
  std::optional<certstore::TicketKeySet> alone_;  // gone on with by this replica, for it can write none
  std::optional<base::SteadyTime> damaged_since_;
  std::string write_problem_;
  Backoff backoff_;
  base::SteadyTime not_before_{};  // after a failure
  std::mt19937 generator_{std::random_device{}()};
  mutable std::mutex mutex_;  // guards the next four
  std::condition_variable_any changed_;
  bool news_ = false;
  bool known_ = false;
  Seen seen_;
  State state_;
  ListWatch watch_;
  std::jthread thread_;
};

}  // namespace kube
