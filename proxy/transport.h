// Transport: the bytes of one connection, plain or through TLS. Reading and writing never block; waiting is apart. What
// is written in small pieces is held together (corked) in a buffer that the worker's connections share, so a connection
// that does nothing owns almost no memory.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "proxy/asio.h"
#include "proxy/stats.h"

namespace proxy {

class Worker;

class Transport {
 public:
  struct Read {
    enum class Kind : std::uint8_t { data, blocked, end, failed };
    Kind kind = Kind::blocked;
    std::size_t bytes = 0;
  };

  // What readable() may receive while it waits. A client's room is given up after its first bytes, which are looked at
  // to tell protocols apart: most connections do nothing, most of the time. Backends, of which there are few
  // connections, keep theirs: a small response comes whole.
  static constexpr std::size_t client_room = 1 << 10;
  static constexpr std::size_t backend_room = 8 << 10;

  virtual ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // Fills as much of `into` as is there now. end: the peer has ended its side properly (FIN, close_notify).
  [[nodiscard]] virtual Read read(std::span<char> into) = 0;
  // After `blocked`: until there is something to read. One waiter. An error after cancel().
  [[nodiscard]] awaitable<base::Result<void>> readable();

  // Somebody else has waited on socket(), and there is something.
  void woken() noexcept { drained_ = false; }

  // Takes all bytes. May hold them until push(). Not while congested(), except for less than 64 KiB.
  void write(std::span<const char> bytes);
  // Sends what was held. Call before waiting for anything.
  void push();
  // The kernel took less than was sent: wait with drain() before writing more.
  [[nodiscard]] bool congested() const noexcept { return sent_ < unsent_.size(); }
  // Until all has been taken by the kernel. One waiter. An error if the peer is gone, or after cancel().
  [[nodiscard]] awaitable<base::Result<void>> drain();

  // push, then close_notify with TLS, then FIN. Does not wait; reading still works.
  virtual void close_write() = 0;
  // Ends the waits of this moment with Code::cancelled; the connection goes on.
  void interrupt();
  // Ends all waits, now and later, with this error; closes the socket.
  void cancel(base::Error error);
  // What has been received but not read, at the beginning of a connection: to tell protocols apart.
  [[nodiscard]] std::string_view early() const noexcept {
    return {early_.get() + early_at_, std::size_t(early_size_ - early_at_)};
  }
  // Why reading or writing failed.
  [[nodiscard]] const base::Error& error() const noexcept;
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  // The peer takes nothing any more.
  [[nodiscard]] bool cut() const noexcept { return cut_ || failed_; }
  // The peer has ended its side or reset, whatever is left to read: asked of the kernel (one system call).
  [[nodiscard]] bool peer_gone();
  // Nothing to read and no end: what an idle connection should be (one system call).
  [[nodiscard]] bool quiet();

  [[nodiscard]] tcp::socket& socket() noexcept { return socket_; }

 protected:
  Transport(Worker& worker, tcp::socket socket, Counter* received, Counter* sent, std::size_t early_room = client_room);
  friend class Worker;

  // Turns plain bytes into bytes on the wire, by way of send().
  virtual void seal(std::span<const char> bytes) = 0;
  // Sends at once, keeps what the kernel does not take.
  void send(std::span<const char> wire);
  // Wire bytes that are there, without waiting.
  [[nodiscard]] Read receive(std::span<char> into);
  // The loop has to say first that there is more.
  [[nodiscard]] bool nothing_received() const noexcept { return drained_ && early_at_ == early_size_ && !ended_; }
  void fail(base::Error error);

  Worker& worker_;

 private:
  void uncork();
  [[nodiscard]] base::Result<void> waited(const error_code& error);
  void received_early(std::size_t size);

  tcp::socket socket_;
  Counter* received_;
  Counter* sent_counter_;
  std::unique_ptr<const base::Error> error_;  // null, as long as nothing failed
  bool failed_ = false;
  bool ended_ = false;    // FIN was read
  bool cut_ = false;      // writing has failed; what the peer sent before may still be read
  bool drained_ = false;  // the last recv was short: nothing is there until the loop says so
  std::uint16_t early_at_ = 0, early_size_ = 0;
  std::string unsent_;
  std::size_t sent_ = 0;  // of unsent_
  const std::size_t early_room_;
  std::unique_ptr<char[]> early_;  // what readable() received while it waited; null: it receives nothing
};

class PlainTransport final : public Transport {
 public:
  // `received` and `sent` count wire bytes; may be null.
  PlainTransport(Worker& worker, tcp::socket socket, Counter* received, Counter* sent,
                 std::size_t early_room = client_room);
  ~PlainTransport() override;
  [[nodiscard]] Read read(std::span<char> into) override;
  void close_write() override;

 private:
  void seal(std::span<const char> bytes) override;
};

}  // namespace proxy
