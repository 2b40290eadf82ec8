// StatusWriter: keeps status.loadBalancer of our Ingresses as it is to be, on the replica that leads. What others write
// there is corrected; what is no longer ours and still says our address is cleared.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <thread>

#include "kube/client.h"
#include "kube/ingress_status.h"

namespace kube {

// Any thread.
class StatusWriter {
 public:
  struct Counters {
    std::size_t pending = 0;
    std::uint64_t written = 0, failed = 0;
  };

  // `client` outlives it.
  explicit StatusWriter(Client& client);
  ~StatusWriter();  // writes no more
  StatusWriter(const StatusWriter&) = delete;
  StatusWriter& operator=(const StatusWriter&) = delete;

  // What an Ingress says, whether it is ours or not; none: it is gone.
  void seen(const ObjectName& name, std::optional<IngressAddresses> says);
  void ours(const ObjectName& name, bool is_ours);
  // Where we are reached. Nothing is written before this is known.
  void publish(IngressAddresses addresses);
  // Whether this replica is the one that writes.
  void lead(bool leads);

  // Takes our addresses out of all our Ingresses, until `stop`. Blocking.
  void clear(const std::stop_token& stop);
  [[nodiscard]] Counters counters() const;

 private:
  struct Entry {
    IngressAddresses says = IngressAddresses::array();
    std::uint64_t seen = 0;  // how often the watch has told of it
    bool ours = false;
    bool was_ours = false;  // written by us, and no longer ours
  };
  struct Task {
    ObjectName name;
    IngressAddresses addresses;
    std::uint64_t seen;  // of the entry, when this was decided
  };
  void run(const std::stop_token& stop);
  void look(const ObjectName& name);  // with mutex_ held
  [[nodiscard]] std::optional<Task> task_for(const ObjectName& name) const;
  [[nodiscard]] std::optional<Task> next();
  [[nodiscard]] bool write(const Task& task, const std::stop_token& stop);

  Client& client_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  std::map<ObjectName, Entry> entries_;
  std::set<ObjectName> pending_;
  ObjectName last_;
  std::optional<IngressAddresses> addresses_;
  bool leads_ = false;
  Counters counters_;
  std::jthread thread_;
};

}  // namespace kube
