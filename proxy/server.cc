#include "proxy/server.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <latch>
#include <mutex>
#include <thread>

#include "proxy/listening_socket.h"
#include "proxy/unknown_names.h"
#include "proxy/worker.h"

namespace proxy {

class Server::Running {
 public:
  Running(unsigned count, AccessLog& access_log) : unknown_names(count) {
    for (unsigned number = 0; number < count; ++number) {
      workers.push_back(std::make_unique<Worker>(number, access_log, unknown_names));
    }
    for (unsigned number = 0; number < count; ++number) {
      threads.emplace_back([worker = workers[number].get()] { worker->run(); });
      const std::string name = "worker " + std::to_string(number);
      ::pthread_setname_np(threads.back().native_handle(), name.c_str());
    }
  }

  ~Running() {
    for (auto& worker : workers) worker->post([w = worker.get()] { w->stop(); });
    for (auto& thread : threads) thread.join();
  }

  // Runs `what` on every worker and waits until all have.
  template <class What>
  void on_all(What what) {
    std::latch done(static_cast<std::ptrdiff_t>(workers.size()));
    for (auto& worker : workers) {
      worker->post([&done, &what, w = worker.get()] {
        what(*w);
        done.count_down();
      });
    }
    done.wait();
  }

  UnknownNames unknown_names;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::thread> threads;
  std::mutex mutex;  // of listeners
  std::vector<config::Listener> listeners;
};

Server::Server(unsigned workers, AccessLog& access_log) : running_(std::make_unique<Running>(workers, access_log)) {}

Server::~Server() = default;

base::Result<std::vector<config::SocketAddress>> Server::listen(const std::vector<config::Listener>& wanted) {
  const std::lock_guard lock(running_->mutex);
  struct Opened {
    config::Listener listener;
    std::vector<ListeningSocket> sockets;  // one for each worker
  };
  std::vector<config::Listener>& running = running_->listeners;
  std::vector<Opened> opened;
  std::vector<config::Listener> resolved;
  // All are opened before anything changes, so that a failure changes nothing.
  for (config::Listener listener : wanted) {
    if (std::ranges::find(running, listener) == running.end()) {
      const bool ours = std::ranges::find(running, listener.address, &config::Listener::address) != running.end();
      if (auto free = ListeningSocket::probe(listener.address); !ours && !free) return std::unexpected(free.error());
      Opened one;
      for (std::size_t worker = 0; worker < running_->workers.size(); ++worker) {
        auto socket = ListeningSocket::open(listener.address);
        if (!socket) return std::unexpected(std::move(socket.error()));
        listener.address.port = socket->port();
        one.sockets.push_back(std::move(*socket));
      }
      one.listener = listener;
      opened.push_back(std::move(one));
    }
    resolved.push_back(listener);
  }
  std::erase_if(running, [&](const config::Listener& old) {
    if (std::ranges::find(resolved, old) != resolved.end()) return false;
    running_->on_all([&](Worker& worker) { worker.stop_listening(old.address); });
    return true;
  });
  for (Opened& one : opened) {
    const auto listener = std::make_shared<const config::Listener>(one.listener);
    running_->on_all([&](Worker& worker) { worker.listen(one.sockets[worker.number()].release(), listener); });
    running.push_back(one.listener);
  }
  std::vector<config::SocketAddress> addresses;
  for (const config::Listener& listener : resolved) addresses.push_back(listener.address);
  return addresses;
}

void Server::publish(SnapshotPtr snapshot) {
  for (auto& worker : running_->workers) {
    worker->post([w = worker.get(), snapshot] { w->take(snapshot); });
  }
}

void Server::wait_until_taken() {
  running_->on_all([](Worker&) {});
}

void Server::drain(std::chrono::milliseconds deadline) {
  {
    const std::lock_guard lock(running_->mutex);
    for (const config::Listener& listener : running_->listeners) {
      running_->on_all([&](Worker& worker) { worker.stop_listening(listener.address); });
    }
    running_->listeners.clear();
  }
  struct Progress {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t left;
  };
  // Shared: a worker may report after this has given up.
  const auto progress = std::make_shared<Progress>();
  progress->left = running_->workers.size();
  running_->on_all([&](Worker& worker) {
    worker.begin_drain([progress] {
      const std::lock_guard lock(progress->mutex);
      --progress->left;
      progress->changed.notify_all();
    });
  });
  std::unique_lock lock(progress->mutex);
  progress->changed.wait_for(lock, deadline, [&] { return progress->left == 0; });
}

void Server::tell_unknown_names(std::function<void(const std::string& server_name)> tell) {
  running_->unknown_names.tell(std::move(tell));
}

std::vector<const WorkerStats*> Server::stats() const {
  std::vector<const WorkerStats*> all;
  for (const auto& worker : running_->workers) all.push_back(&worker->stats());
  return all;
}

}  // namespace proxy
