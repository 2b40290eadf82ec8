// UnknownNames: the names of handshakes that no certificate covers, on their way from the workers to who may get
// certificates for them. A worker only copies the name into its ring; a thread of the control plane takes it out.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "proxy/stats.h"

namespace proxy {

class UnknownNames {
 public:
  using Tell = std::function<void(const std::string& server_name)>;
  using Steady = std::chrono::steady_clock;

  // What strangers can bring up: names a second from each worker, and bytes of names that wait.
  static constexpr unsigned most_a_second = 64;
  static constexpr std::size_t ring_size = 8 << 10;

  explicit UnknownNames(unsigned workers);
  ~UnknownNames();
  UnknownNames(const UnknownNames&) = delete;
  UnknownNames& operator=(const UnknownNames&) = delete;

  // From now on `tell` hears the names, on a thread of its own; what it throws ends nothing. Null: nobody. The one
  // before no longer runs when this returns. One thread at a time, not from within `tell`.
  void tell(Tell tell);

  // From the thread of that worker only; never blocks. `server_name` is attacker controlled: what is no host name is
  // left out, what is above the bounds is dropped and counted.
  void saw(unsigned worker, std::string_view server_name, WorkerStats& stats, Steady::time_point now = Steady::now());

 private:
  struct Ring;
  void run(const std::stop_token& stop, const Tell& tell);
  void drain(Ring& ring, const Tell& tell);
  void wait() const noexcept;
  void ring_bell() const noexcept;

  std::vector<std::unique_ptr<Ring>> rings_;
  int bell_;
  std::jthread thread_;
};

}  // namespace proxy
