// MirrorLoop: one mirror and the thread that keeps it in step: after a change, and a look once in a while. Nothing
// waits for it.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "azure/mirror.h"
#include "azure/rest.h"
#include "base/clock.h"

namespace azure {

// Any thread.
class MirrorLoop {
 public:
  struct Options {
    const base::Clock& clock;
    std::chrono::milliseconds gather{5'000};        // changes that come this close go out as one write
    std::chrono::milliseconds look_again{900'000};  // at the latest: somebody else may have changed it
    std::chrono::milliseconds first_pause{30'000};  // after a failure; then twice as long …
    std::chrono::milliseconds longest_pause{900'000};
    Client::Wait wait = {};  // empty: base::wait_for
  };

  MirrorLoop(std::unique_ptr<Mirror> mirror, Options options);
  ~MirrorLoop();  // ends what is under way at its next step
  MirrorLoop(const MirrorLoop&) = delete;
  MirrorLoop& operator=(const MirrorLoop&) = delete;

  // From now on these. Cheap where they are as they were. Where another certificate is to be written, it ends the
  // attempt that is under way, which writes nothing more. Call it every few seconds: what is refused for a minute is
  // told in the log.
  void want(std::vector<MirrorItem> items);
  // Whether this process is the one that writes; at first it is not. An attempt that is under way ends.
  void lead(bool leads);

  [[nodiscard]] const std::string& where() const { return mirror_->where(); }
  // By the name there, those with a refusal too. What is not known, because somebody else leads, is not among them.
  [[nodiscard]] std::vector<MirrorState> states() const;

 private:
  void run(const std::stop_token& stop);
  // The name there and the certificate's: of those with a refusal several may have one name there.
  using Key = std::pair<std::string, std::string>;
  static Key key_of(const MirrorItem& item) { return {item.name, item.certificate_name}; }
  // With mutex_ held.
  void take_refused(const MirrorItem& item, MirrorState& state) const;
  void tell_refused();
  [[nodiscard]] bool idle() const;
  void take(const std::vector<MirrorItem>& wanted, const MirrorOutcome& outcome);
  [[nodiscard]] std::chrono::milliseconds pause_after(const MirrorOutcome& outcome);

  const std::unique_ptr<Mirror> mirror_;
  const Options options_;
  mutable std::mutex mutex_;  // guards the next five
  std::vector<MirrorItem> wanted_;
  std::map<Key, MirrorState> states_;
  std::map<Key, std::string> told_;  // refusals that are in the log
  bool leads_ = false;
  std::stop_source attempt_;         // that is under way, or was the last
  Rest rest_;                        // of the thread; woken by news
  std::chrono::milliseconds pause_;  // of the thread
  std::minstd_rand random_;          // of the thread
  std::jthread thread_;
};

}  // namespace azure
