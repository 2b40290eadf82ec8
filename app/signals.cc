#include "app/signals.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include "app/exit_code.h"
#include "base/keep_running.h"
#include "base/log.h"

namespace app {
namespace {

sigset_t taken_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

void block_signals() {
  const sigset_t set = taken_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // A peer that went away is an error of the write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
}

SignalThread::SignalThread(EventQueue& events) : events_(events) {
  const sigset_t set = taken_signals();
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  stop_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] {
    while (!base::attempt("signals", [this] { run(); })) {
    }
  });
}

SignalThread::~SignalThread() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(stop_, &one, sizeof one);
  thread_.join();
  ::close(signals_);
  ::close(stop_);
}

void SignalThread::run() {
  bool stopping = false;
  std::array<pollfd, 2> waited{{{signals_, POLLIN, 0}, {stop_, POLLIN, 0}}};
  for (;;) {
    if (::poll(waited.data(), waited.size(), -1) < 0 && errno != EINTR) return;
    if (waited[1].revents != 0) return;
    signalfd_siginfo signal{};
    if (::read(signals_, &signal, sizeof signal) != static_cast<ssize_t>(sizeof signal)) continue;
    if (signal.ssi_signo == SIGHUP) {
      events_.put(Event::reload);
      continue;
    }
    if (stopping && events_.finished()) continue;
    if (stopping) {
      base::log::warning("second signal: ending at once");
      ::_exit(static_cast<int>(ExitCode::no));
    }
    stopping = true;
    events_.put(Event::stop);
  }
}

}  // namespace app
