// Server: the data plane as the control plane sees it. Owns the workers.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "proxy/snapshot.h"
#include "proxy/stats.h"

namespace proxy {

class AccessLog;

class Server {
 public:
  // `workers` threads start at once, with nothing to listen to.
  Server(unsigned workers, AccessLog& access_log);
  // Stops at once whatever still runs, and joins.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Makes exactly these addresses listened to: new ones are opened on every worker (SO_REUSEPORT) before others are
  // closed; connections of closed ones live on. Port 0 is resolved; the answer has the real addresses in the order
  // given. An error (address in use, no right) changes nothing. Blocking, control plane.
  [[nodiscard]] base::Result<std::vector<config::SocketAddress>> listen(const std::vector<config::Listener>& listeners);

  // Posted to every worker; in force for the next handshake and request of each. Any thread; later calls win.
  void publish(SnapshotPtr snapshot);
  // Until every worker has taken the newest published snapshot.
  void wait_until_taken();

  // Listeners close; HTTP/2 gets GOAWAY, HTTP/1 "Connection: close"; idle connections close. Returns when all
  // connections have ended or at the deadline, after which the rest is cut. Blocking.
  void drain(std::chrono::milliseconds deadline);

  // From now on `tell` hears the names that clients asked for and no certificate covers, while the snapshot wants them
  // (Snapshot::on_demand): valid host names, at most 64 a second from a worker, a name perhaps many times. It runs on
  // one thread of the control plane and may take its time; what comes meanwhile is kept up to a bound, and dropped and
  // counted above it. Null: nobody; when that returns the one before no longer runs. One thread at a time.
  void tell_unknown_names(std::function<void(const std::string& server_name)> tell);

  // Alive as long as the server.
  [[nodiscard]] std::vector<const WorkerStats*> stats() const;

 private:
  class Running;
  std::unique_ptr<Running> running_;
};

}  // namespace proxy
