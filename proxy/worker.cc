#include "proxy/worker.h"

#include <sys/socket.h>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "proxy/connection.h"
#include "proxy/tls_context.h"
#include "proxy/upstreams.h"

namespace proxy {
namespace {

constexpr auto as_values = asio::as_tuple(use_awaitable);
constexpr std::chrono::seconds sweep_every{1};
constexpr std::chrono::milliseconds accept_pause{50};  // when there are no file descriptors left

}  // namespace

struct Worker::Accepting {
  Accepting(asio::io_context& io, int descriptor, std::shared_ptr<const config::Listener> of)
      : acceptor(io), listener(std::move(of)) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
    acceptor.assign(address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), descriptor);
    acceptor.non_blocking(true);
  }
  tcp::acceptor acceptor;
  std::shared_ptr<const config::Listener> listener;
  bool closed = false;
};

Worker::Worker(unsigned number, AccessLog& access_log, UnknownNames& unknown_names)
    : number_(number),
      io_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
      access_log_(access_log),
      unknown_names_(unknown_names),
      upstreams_(std::make_unique<Upstreams>(*this)),
      tls_(std::make_unique<TlsContext>()),
      connections_(std::make_unique<Connections>()) {}

Worker::~Worker() = default;

void Worker::post(std::move_only_function<void()> what) {
  asio::post(io_, std::move(what));
}

void Worker::report(std::string_view task, const std::exception& escaped) {
  stats_.escaped_errors.add();
  base::log::error("a task of the data plane failed", {{"task", std::string(task)}, {"error", escaped.what()}});
}

void Worker::report(std::string_view task, const std::exception_ptr& escaped) {
  try {
    std::rethrow_exception(escaped);
  } catch (const std::exception& error) {
    report(task, error);
  } catch (...) {
    report(task, std::runtime_error("unknown"));
  }
}

void Worker::spawn(std::string_view name, awaitable<void> task, std::move_only_function<void()> ended) {
  ++tasks_;
  asio::co_spawn(io_, std::move(task),
                 [this, name, ended = std::move(ended)](const std::exception_ptr& escaped) mutable noexcept {
                   if (escaped != nullptr) report(name, escaped);
                   if (ended) ended();
                   --tasks_;
                 });
}

void Worker::run() {
  spawn("tick", tick());
  io_.run();
}

awaitable<void> Worker::tick() {
  asio::steady_timer timer(io_);
  deadlines_.on_wake([&timer] { timer.cancel(); });
  auto next_sweep = std::chrono::steady_clock::now() + sweep_every;
  // The last task to end, so that deadlines still work while the others do. A task that does not end within two seconds
  // of its cancellation is a bug; it must not keep the process.
  auto patience = std::chrono::steady_clock::time_point::max();
  for (;;) {
    // An idle worker wakes once a second only, to sweep.
    timer.expires_after(stopping_ ? Deadlines::tick : deadlines_.sleep(sweep_every));
    co_await timer.async_wait(as_values);
    const auto now = std::chrono::steady_clock::now();
    deadlines_.advance(now);
    if (now >= next_sweep) {
      next_sweep = now + sweep_every;
      upstreams_->sweep(now);
    }
    if (!stopping_) continue;
    if (tasks_ <= 1) break;
    if (patience == std::chrono::steady_clock::time_point::max()) patience = now + std::chrono::seconds(2);
    if (now > patience) {
      base::log::error("tasks did not end when they were cancelled", {{"count", std::to_string(tasks_ - 1)}});
      std::_Exit(70);
    }
  }
  deadlines_.on_wake(nullptr);
}

void Worker::take(SnapshotPtr snapshot) {
  if (snapshot_ != nullptr && snapshot->generation <= snapshot_->generation) return;
  if (snapshot->routes != nullptr) {
    static const RouteTable nothing;
    const bool had_routes = snapshot_ != nullptr && snapshot_->routes != nullptr;
    snapshot->routes->for_each_change(had_routes ? *snapshot_->routes : nothing,
                                      [this](const CompiledRoute& route) { stats_.ensure_route(route.slot); });
  }
  tls_->set_profile(snapshot->config->tls.profile);
  upstreams_->adopt(*snapshot);
  snapshot_ = std::move(snapshot);
  stats_.generation.store(snapshot_->generation, std::memory_order_relaxed);
}

void Worker::listen(int descriptor, std::shared_ptr<const config::Listener> listener) {
  accepting_.push_back(std::make_shared<Accepting>(io_, descriptor, std::move(listener)));
  spawn("accept", accept(accepting_.back()));
}

void Worker::stop_listening(const config::SocketAddress& address) {
  for (const auto& accepting : accepting_) {
    if (accepting->listener->address != address) continue;
    accepting->closed = true;
    // Connections that the kernel has already completed are ours: their clients believe they are served.
    for (;;) {
      error_code error;
      tcp::endpoint peer;
      tcp::socket socket = accepting->acceptor.accept(peer, error);
      if (error) break;
      Connection::begin(*this, std::move(socket), peer, accepting->listener);
    }
    error_code ignored;
    accepting->acceptor.close(ignored);
  }
  std::erase_if(accepting_, [](const auto& accepting) { return accepting->closed; });
}

awaitable<void> Worker::accept(std::shared_ptr<Accepting> accepting) {
  asio::steady_timer pause(io_);
  while (!accepting->closed) {
    tcp::endpoint peer;
    auto [error, socket] = co_await accepting->acceptor.async_accept(peer, as_values);
    if (accepting->closed && error) co_return;
    if (error == asio::error::no_descriptors || error == asio::error::no_memory || error.value() == ENFILE) {
      stats_.violations[static_cast<std::size_t>(Violation::connections)].add();
      pause.expires_after(accept_pause);
      co_await pause.async_wait(as_values);
      continue;
    }
    if (error) continue;  // the client went away before it was accepted
    Connection::begin(*this, std::move(socket), peer, accepting->listener);
  }
}

void Worker::connection_ended() {
  if (drained_ && connections_->all.empty()) std::exchange(drained_, nullptr)();
}

void Worker::begin_drain(std::move_only_function<void()> done) {
  draining_ = true;
  drained_ = std::move(done);
  // A connection may end, and leave the list, while it is told.
  std::vector<Connection*> told;
  for (Connection& connection : connections_->all) told.push_back(&connection);
  for (Connection* connection : told) {
    const bool still_there =
        std::ranges::any_of(connections_->all, [&](const Connection& one) { return &one == connection; });
    if (still_there) connection->drain();
  }
  connection_ended();
}

void Worker::stop() {
  stopping_ = true;
  draining_ = true;
  deadlines_.wake();
  for (const auto& accepting : accepting_) {
    accepting->closed = true;
    error_code ignored;
    accepting->acceptor.close(ignored);
  }
  accepting_.clear();
  const base::Error error{base::Code::cancelled, "the server stops"};
  for (Connection& connection : connections_->all) {
    connection.cancel(error);
  }
  upstreams_->close(error);
}

}  // namespace proxy
