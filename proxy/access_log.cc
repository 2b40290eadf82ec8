#include "proxy/access_log.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <thread>

#include "proxy/byte_ring.h"
#include "proxy/log_descriptor.h"

namespace proxy {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t ring_size = 1 << 20;
// How long lines gather before they are written together.
constexpr std::chrono::milliseconds gather_for{20};
// How long a reader that takes nothing is left alone.
constexpr std::chrono::milliseconds stuck_for{100};
constexpr std::chrono::seconds last_words{1};

}  // namespace

class AccessLog::Ring {
 public:
  ByteRing bytes{ring_size};
  std::string line;  // of the worker's thread
};

// The thread that writes. While lines come it looks by itself every 20 ms, and workers wake it only when a ring is half
// full; when none came it sleeps, and the next line wakes it.
class AccessLog::Writer {
 public:
  Writer(const std::vector<std::unique_ptr<Ring>>& rings, int descriptor)
      : rings_(rings), out_(descriptor), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (wake_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  ~Writer() {
    thread_.request_stop();
    ring_bell();
    thread_.join();
    ::close(wake_);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // From a worker, after it has put something into its ring.
  void written(const ByteRing& ring) noexcept {
    State seen = state_.load(std::memory_order_seq_cst);
    const bool needed = seen == State::asleep || (seen == State::gathering && ring.size() > ring_size / 2);
    if (needed && state_.compare_exchange_strong(seen, State::busy)) ring_bell();
  }

 private:
  enum class State { busy, gathering, asleep };

  void run(const std::stop_token& stop) {
    // Signals are for the main thread; and EPIPE, not SIGPIPE, is how a broken pipe is noticed.
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    while (!stop.stop_requested()) {
      if (!drain()) {
        wait_for_reader();
      } else if (pending() == 0) {
        wait(State::asleep, std::chrono::milliseconds(-1));
      }
      if (!stop.stop_requested()) wait(State::gathering, gather_for);
    }
    write_last_words();
  }

  void write_last_words() noexcept {
    const auto until = Clock::now() + last_words;
    while (!drain() && Clock::now() < until) {
      const std::size_t before = pending();
      pollfd out{out_.native(), POLLOUT, 0};
      // Ready, and yet it takes nothing: a full disk or a closed pipe.
      if (::poll(&out, 1, static_cast<int>(stuck_for.count())) == 1 && !drain() && pending() == before) return;
    }
  }

  // False: the reader takes no more. A line is never torn by one of another worker.
  bool drain() noexcept {
    for (std::size_t tried = 0; tried < rings_.size(); ++tried, next_ = (next_ + 1) % rings_.size()) {
      ByteRing& ring = rings_[next_]->bytes;
      for (std::size_t left = ring.size(); left > 0;) {
        const auto [first, second] = ring.peek();
        const std::size_t from_first = std::min(first.size(), left);
        const std::size_t taken = out_.write(first.substr(0, from_first), second.substr(0, left - from_first));
        if (taken == 0) return false;
        ring.pop(taken);
        left -= taken;
      }
    }
    return true;
  }

  std::size_t pending() const noexcept {
    std::size_t bytes = 0;
    for (const auto& ring : rings_) bytes += ring->bytes.size();
    return bytes;
  }

  void wait(State state, std::chrono::milliseconds timeout) noexcept {
    state_.store(state, std::memory_order_seq_cst);
    // A line may have come between the last look and this state; its worker did not see it.
    if (state != State::asleep || pending() == 0) {
      pollfd bell{wake_, POLLIN, 0};
      ::poll(&bell, 1, static_cast<int>(timeout.count()));
    }
    state_.store(State::busy, std::memory_order_seq_cst);
    std::uint64_t rings = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_, &rings, sizeof rings);
  }

  void wait_for_reader() noexcept {
    std::array<pollfd, 2> either{pollfd{out_.native(), POLLOUT, 0}, pollfd{wake_, POLLIN, 0}};
    const int ready = ::poll(either.data(), either.size(), static_cast<int>(stuck_for.count()));
    // A broken descriptor is "ready" at once: then only time helps, and the bell, which ends this thread.
    const bool broken = ready > 0 && (either[0].revents & (POLLERR | POLLNVAL)) != 0;
    if (broken) ::poll(&either[1], 1, static_cast<int>(stuck_for.count()));
  }

  void ring_bell() const noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t sent = ::write(wake_, &one, sizeof one);
  }

  const std::vector<std::unique_ptr<Ring>>& rings_;
  LogDescriptor out_;
  int wake_;
  std::size_t next_ = 0;  // the ring whose turn it is
  std::atomic<State> state_{State::busy};
  std::jthread thread_;
};

AccessLog::AccessLog(unsigned workers, int descriptor) {
  for (unsigned i = 0; i < workers; ++i) rings_.push_back(std::make_unique<Ring>());
  writer_ = std::make_unique<Writer>(rings_, descriptor);
}

AccessLog::~AccessLog() {
  writer_.reset();
}

void AccessLog::write(unsigned worker, config::AccessLog format, const AccessRecord& record, WorkerStats& stats) {
  if (format == config::AccessLog::off) return;
  Ring& ring = *rings_[worker];
  ring.line.clear();
  if (format == config::AccessLog::json) {
    append_json(ring.line, record);
  } else {
    append_text(ring.line, record);
  }
  ring.line += '\n';
  if (ring.bytes.push(ring.line)) {
    writer_->written(ring.bytes);
  } else {
    stats.access_log_dropped.add();
  }
}

}  // namespace proxy
