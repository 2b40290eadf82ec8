#include "app/server_thread.h"

#include <chrono>
#include <exception>
#include <thread>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "app/listening_socket.h"
#include "base/keep_running.h"

namespace app {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto yielded = asio::as_tuple(asio::use_awaitable);

}  // namespace

// The thread, and everything that only it touches.
class ServerThread::Loop {
 public:
  explicit Loop(Options options) : options_(std::move(options)), room_(io_) {}
  ~Loop() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  base::Result<config::SocketAddress> start() {
    auto acceptor = listen_on(io_, options_.address);
    if (!acceptor) return std::unexpected(std::move(acceptor.error()).in(options_.name));
    const config::SocketAddress address = address_of(*acceptor);
    spawn(accept_all(std::move(*acceptor)));
    thread_ = std::thread([this] { run(); });
    return address;
  }

 private:
  void spawn(asio::awaitable<void> task) {
    const auto ended = [this](const std::exception_ptr& escaped) {
      if (escaped) static_cast<void>(base::attempt(options_.name, [&] { std::rethrow_exception(escaped); }));
    };
    asio::co_spawn(io_, std::move(task), ended);
  }

  void run() {
    while (!base::attempt(options_.name, [this] { io_.run(); })) {
    }
  }

  asio::awaitable<void> accept_all(tcp::acceptor acceptor) {
    for (;;) {
      while (open_ >= options_.connections) {
        room_.expires_at(asio::steady_timer::time_point::max());
        co_await room_.async_wait(yielded);
      }
      tcp::socket socket(io_);
      const auto [error] = co_await acceptor.async_accept(socket, yielded);
      if (error == asio::error::operation_aborted) co_return;
      if (error) {
        // No descriptors, probably: a pause, instead of a loop that burns the processor.
        room_.expires_after(std::chrono::milliseconds(100));
        co_await room_.async_wait(yielded);
        continue;
      }
      ++open_;
      spawn(serve(std::move(socket)));
    }
  }

  asio::awaitable<void> serve(tcp::socket socket) {
    auto served = options_.serve(std::move(socket));
    try {
      co_await std::move(served);
    } catch (...) {
      leave();
      throw;  // spawn logs it
    }
    leave();
  }

  void leave() {
    --open_;
    room_.cancel();
  }

  Options options_;
  asio::io_context io_{1};
  asio::steady_timer room_;  // cancelled when a connection ends
  std::size_t open_ = 0;
  std::thread thread_;
};

base::Result<std::unique_ptr<ServerThread>> ServerThread::start(Options options) {
  std::unique_ptr<ServerThread> server(new ServerThread());
  server->loop_ = std::make_unique<Loop>(std::move(options));
  auto address = server->loop_->start();
  if (!address) return std::unexpected(std::move(address.error()));
  server->address_ = std::move(*address);
  return server;
}

ServerThread::~ServerThread() = default;

}  // namespace app
