// Connection: one client connection from accept to close: PROXY header, TLS, then the session of the protocol agreed
// on.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include <boost/intrusive/list.hpp>

#include "base/ip_network.h"
#include "config/config.h"
#include "proxy/asio.h"
#include "proxy/worker.h"

namespace proxy {

class Transport;

// A coroutine of its own (Worker::spawn); ends when the connection has ended.
[[nodiscard]] awaitable<void> serve_connection(Worker& worker, tcp::socket socket, tcp::endpoint peer,
                                               std::shared_ptr<const config::Listener> listener);

// A place among the worker's connections, and what the worker can ask of it. Lives in the frame of serve_connection.
class Connection : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Connection(Worker& worker, const base::IpAddress& peer);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // False: the worker, or this address, has as many as it may.
  [[nodiscard]] bool admitted() const noexcept { return admitted_; }
  // A PROXY header has told whose connection this is: it counts for that address, no longer for the load balancer's.
  // False: the address has as many as it may.
  [[nodiscard]] bool counts_for(const base::IpAddress& client);
  // Run when drain begins; set while a session runs.
  std::function<void()> drain;
  // Cuts the connection.
  std::function<void(const base::Error&)> cancel;

 private:
  [[nodiscard]] bool admit();
  [[nodiscard]] bool count_address();
  void forget_address();

  Worker& worker_;
  base::IpAddress address_;
  bool admitted_;
};

// What Worker keeps about its connections.
struct Worker::Connections {
  boost::intrusive::list<Connection, boost::intrusive::constant_time_size<false>> all;
  std::unordered_map<base::IpAddress, unsigned> by_address;  // only those that have any: bounded by the connections
};

}  // namespace proxy
