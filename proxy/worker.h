// Worker: one thread of the data plane and everything that belongs to it alone. Nothing in it may be touched from
// another thread except through post().
#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/asio.h"
#include "proxy/deadline.h"
#include "proxy/snapshot.h"
#include "proxy/stats.h"

namespace proxy {

class AccessLog;
class UnknownNames;
class Transport;
class TlsContext;
class Upstreams;
class Connection;

class Worker {
 public:
  Worker(unsigned number, AccessLog& access_log, UnknownNames& unknown_names);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  [[nodiscard]] unsigned number() const noexcept { return number_; }
  [[nodiscard]] asio::io_context& io() noexcept { return io_; }
  [[nodiscard]] Deadlines& deadlines() noexcept { return deadlines_; }
  [[nodiscard]] WorkerStats& stats() noexcept { return stats_; }
  [[nodiscard]] AccessLog& access_log() noexcept { return access_log_; }
  [[nodiscard]] UnknownNames& unknown_names() noexcept { return unknown_names_; }
  [[nodiscard]] Upstreams& upstreams() noexcept { return *upstreams_; }
  [[nodiscard]] TlsContext& tls() noexcept { return *tls_; }
  // Null before the first publish.
  [[nodiscard]] const SnapshotPtr& snapshot() const noexcept { return snapshot_; }
  [[nodiscard]] bool draining() const noexcept { return draining_; }

  // The one way to start a coroutine. Counted until it ends; what escapes from it is logged and counted. `name` is
  // static text. `ended` runs when the coroutine and its frame are gone: what the coroutine refers to may be kept
  // there, at less than the price of a coroutine around it.
  void spawn(std::string_view name, awaitable<void> task, std::move_only_function<void()> ended = nullptr);
  // Logs and counts what escaped from a task.
  void report(std::string_view task, const std::exception& escaped);
  void report(std::string_view task, const std::exception_ptr& escaped);

  // Buffers that all connections of this worker share. What is in them is valid until the next co_await.
  [[nodiscard]] std::span<char> read_buffer() noexcept { return read_buffer_; }
  [[nodiscard]] std::string& wire_buffer() noexcept { return wire_buffer_; }  // TLS records on their way out
  // The cork: plain bytes of `corked_by` that wait to be sent together.
  [[nodiscard]] std::string& cork() noexcept { return cork_; }
  Transport* corked_by = nullptr;
  // For text that is built and written at once, such as the head of a message.
  [[nodiscard]] std::string& text_buffer() noexcept {
    text_buffer_.clear();
    return text_buffer_;
  }

  [[nodiscard]] SpareHeads& spare_heads() noexcept { return spare_heads_; }

  // ---- From the server's thread.
  void post(std::move_only_function<void()> what);
  void run();  // the thread's body, until stop() and the end of all that runs

  // ---- On the worker's thread, by the server's posts.
  void take(SnapshotPtr snapshot);
  // Accepts on this listening socket (owned from here on) until stop_listening with the same listener.
  void listen(int descriptor, std::shared_ptr<const config::Listener> listener);
  void stop_listening(const config::SocketAddress& address);
  // Tells every connection; `done` runs when the last one has ended (at once if there is none).
  void begin_drain(std::move_only_function<void()> done);
  // Cuts everything; run() returns when all coroutines have ended.
  void stop();

 private:
  friend class Connection;
  struct Accepting;
  [[nodiscard]] awaitable<void> accept(std::shared_ptr<Accepting> accepting);
  [[nodiscard]] awaitable<void> tick();
  void connection_ended();

  unsigned number_;
  asio::io_context io_;
  Deadlines deadlines_;
  WorkerStats stats_;
  AccessLog& access_log_;
  UnknownNames& unknown_names_;
  SnapshotPtr snapshot_;
  bool draining_ = false;
  bool stopping_ = false;
  std::size_t tasks_ = 0;
  std::move_only_function<void()> drained_;
  std::vector<std::shared_ptr<Accepting>> accepting_;
  std::unique_ptr<Upstreams> upstreams_;
  std::unique_ptr<TlsContext> tls_;
  std::array<char, 64 << 10> read_buffer_;
  std::string wire_buffer_;
  std::string cork_;
  std::string text_buffer_;
  SpareHeads spare_heads_;
  struct Connections;  // those that want to be told of drain
  std::unique_ptr<Connections> connections_;
};

}  // namespace proxy
