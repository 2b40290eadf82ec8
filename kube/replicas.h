// Replicas: which processes serve beside this one, and up to which generation of the challenges each of them answers. A
// Lease a replica, renewed as long as it lives.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "kube/client.h"
#include "kube/lease_record.h"

namespace kube {

// Any thread.
class Replicas {
 public:
  struct Options {
    std::string name_space;
    std::string identity;
    std::chrono::seconds duration{30};  // without a sign for this long a replica counts as gone
  };
  Replicas(Client& client, Options options);

  // Says that we live, and the generation that our workers answer from. Blocking.
  [[nodiscard]] Outcome<void> acknowledge(std::uint64_t generation, std::stop_token stop);
  // Says it again with the last generation, looks at the others, and takes away those that are gone. To be called three
  // times within `duration`. Blocking.
  [[nodiscard]] Outcome<void> renew(std::stop_token stop);
  // How many of those that live do not answer from `generation` yet. Blocking.
  [[nodiscard]] Outcome<unsigned> behind(std::uint64_t generation, std::stop_token stop);
  // We serve no more: nobody has to wait for us.
  void leave();

 private:
  [[nodiscard]] Outcome<void> say(std::uint64_t generation, const std::stop_token& stop);
  enum class Dead : std::uint8_t { left, removed };
  [[nodiscard]] Outcome<unsigned> look(std::uint64_t generation, Dead dead, const std::stop_token& stop);

  Client& client_;
  const Options options_;
  const ObjectName own_;
  std::mutex mutex_;
  std::uint64_t acknowledged_ = 0;
  std::map<std::string, LeaseObserver> seen_;  // by the Lease's name
};

}  // namespace kube
