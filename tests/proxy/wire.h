// Wire: one TCP connection over loopback between a Transport of a real Worker and a plain socket that the test speaks
// on. The worker's loop runs in the test's own thread, only within run().
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/ip/address_v4.hpp>

#include "proxy/access_log.h"
#include "proxy/transport.h"
#include "proxy/unknown_names.h"
#include "proxy/worker.h"

namespace test {

// The other side. Its calls block, for at most five seconds.
class Peer {
 public:
  explicit Peer(int descriptor) : descriptor_(descriptor) {
    const timeval patience{5, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  ~Peer() { hang_up(); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void say(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t sent = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  // Exactly so many bytes; fewer if the connection ends or nothing comes.
  [[nodiscard]] std::string hear(std::size_t size) const {
    std::string heard(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      const ssize_t more = ::recv(descriptor_, heard.data() + got, size - got, 0);
      if (more <= 0) break;
      got += static_cast<std::size_t>(more);
    }
    heard.resize(got);
    return heard;
  }
  [[nodiscard]] std::string hear_all() const { return hear(64U << 20U); }
  // What is there at this moment.
  [[nodiscard]] bool silent() const {
    char byte = 0;
    return ::recv(descriptor_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
  }
  void end() const { ::shutdown(descriptor_, SHUT_WR); }
  void hang_up() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }
  // RST instead of FIN.
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    hang_up();
  }

 private:
  int descriptor_;
};

class LocalWorker {
 public:
  // Runs `body`, a callable that returns awaitable<void>, and all it starts, to its end.
  template <class Body>
  void run(Body&& body) {
    bool ended = false;
    worker.spawn("test", note_end(body(), ended));
    worker.io().restart();
    worker.io().run_for(std::chrono::seconds(5));
    EXPECT_TRUE(ended) << "the coroutine still waits";
    EXPECT_EQ(worker.stats().escaped_errors.value(), 0U);
  }
  // Both ends of a new connection.
  std::pair<proxy::tcp::socket, int> connect() {
    using proxy::tcp;
    tcp::acceptor acceptor(worker.io(), tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const tcp::endpoint address = acceptor.local_endpoint();
    EXPECT_EQ(::connect(descriptor, address.data(), static_cast<socklen_t>(address.size())), 0);
    tcp::socket socket = acceptor.accept();
    socket.non_blocking(true);
    return {std::move(socket), descriptor};
  }

 private:
  static proxy::awaitable<void> note_end(proxy::awaitable<void> body, bool& ended) {
    co_await std::move(body);
    ended = true;
  }
  proxy::AccessLog access_log_{1, STDERR_FILENO};
  proxy::UnknownNames unknown_names_{1};

 public:
  proxy::Worker worker{0, access_log_, unknown_names_};
};

class Wire {
 public:
  explicit Wire(LocalWorker& local) : Wire(local, local.connect()) {}

  proxy::Counter received, sent;
  Peer peer;
  proxy::PlainTransport transport;

 private:
  Wire(LocalWorker& local, std::pair<proxy::tcp::socket, int> ends)
      : peer(ends.second), transport(local.worker, std::move(ends.first), &received, &sent) {}
};

}  // namespace test
