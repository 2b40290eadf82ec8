// Connection: one client connection from accept to close: PROXY header, TLS, then the sessions of the protocol agreed
// on. While its client has nothing to say for a while it is parked: no coroutine, only a wait of its socket. Most
// connections are, most of the time, and what they own then is what many of them cost.
#pragma once

#include <memory>
#include <unordered_map>

#include <boost/intrusive/list.hpp>

#include "base/ip_network.h"
#include "config/config.h"
#include "proxy/asio.h"
#include "proxy/connection_facts.h"
#include "proxy/deadline.h"
#include "proxy/worker.h"

namespace proxy {

class Transport;
struct SessionContext;
enum class Alpn : std::uint8_t;

class Connection : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  // Serves a client that has been accepted, until its connection ends.
  static void begin(Worker& worker, tcp::socket socket, const tcp::endpoint& peer,
                    std::shared_ptr<const config::Listener> listener);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Draining begins: what runs is finished, and then the connection ends.
  void drain();
  // Cuts the connection.
  void cancel(const base::Error& error);

 private:
  Connection(Worker& worker, const tcp::endpoint& peer);

  // False: the worker, or this address, has as many as it may.
  [[nodiscard]] bool admit();
  // A PROXY header has told whose connection this is: it counts for that address, no longer for the load balancer's.
  // False: the address has as many as it may.
  [[nodiscard]] bool counts_for(const base::IpAddress& client, std::uint16_t port);
  [[nodiscard]] bool count_address();
  void forget_address();
  void on_deadline();

  // PROXY header and handshake. False: the connection has ended, and that has been counted.
  [[nodiscard]] awaitable<bool> open(tcp::socket& socket, const config::Listener& listener);
  [[nodiscard]] awaitable<bool> take_proxy_header(tcp::socket& socket);
  [[nodiscard]] awaitable<bool> shake_hands(tcp::socket& socket);
  [[nodiscard]] awaitable<bool> look_at_first_bytes(tcp::socket& socket);
  [[nodiscard]] awaitable<void> open_and_serve(tcp::socket socket, std::shared_ptr<const config::Listener> listener);
  [[nodiscard]] awaitable<void> serve();

  // Whoever runs for a connection owns it: its coroutine, or the wait of its socket.
  static void run(std::unique_ptr<Connection> connection, awaitable<void> task);
  static void park(std::unique_ptr<Connection> connection);
  static void unpark(std::unique_ptr<Connection> connection, const error_code& error);

  Worker& worker_;
  ConnectionFacts facts_;
  std::unique_ptr<Transport> transport_;
  tcp::socket* opening_ = nullptr;  // before there is a transport
  SessionContext* session_ = nullptr;
  Deadline deadline_;  // of PROXY header and handshake together; while parked, of the next request
  unsigned served_ = 0;
  Alpn protocol_;
  bool parked_ = false;
  bool late_ = false;
};

// What Worker keeps about its connections.
struct Worker::Connections {
  boost::intrusive::list<Connection, boost::intrusive::constant_time_size<false>> all;
  std::unordered_map<base::IpAddress, unsigned> by_address;  // only those that have any: bounded by the connections
};

}  // namespace proxy
