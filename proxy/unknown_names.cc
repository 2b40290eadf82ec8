#include "proxy/unknown_names.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <optional>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "certstore/host_name.h"
#include "proxy/byte_ring.h"

namespace proxy {
namespace {

// A host name as certificates are issued for: no wildcard, no address (RFC 6066 §3 allows none), no underscore.
std::optional<std::string> host_name(std::string_view server_name) {
  auto name = certstore::canonical_host_name(server_name);
  if (!name || name->find_first_of("*_") != std::string::npos) return std::nullopt;
  return name;
}

}  // namespace

// Records are a byte with the length, and the name.
struct UnknownNames::Ring {
  ByteRing bytes{ring_size};
  // Of the worker's thread.
  Steady::time_point second_begun{};
  unsigned in_this_second = 0;
};

UnknownNames::UnknownNames(unsigned workers) : bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (bell_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  for (unsigned i = 0; i < workers; ++i) rings_.push_back(std::make_unique<Ring>());
}

UnknownNames::~UnknownNames() {
  tell(nullptr);
  ::close(bell_);
}

void UnknownNames::tell(Tell tell) {
  if (thread_.joinable()) {
    thread_.request_stop();
    ring_bell();
    thread_.join();
  }
  if (!tell) return;
  thread_ = std::jthread([this, hears = std::move(tell)](const std::stop_token& stop) { run(stop, hears); });
}

void UnknownNames::saw(unsigned worker, std::string_view server_name, WorkerStats& stats, Steady::time_point now) {
  const auto name = host_name(server_name);
  if (!name) return;
  Ring& ring = *rings_[worker];
  if (now - ring.second_begun >= std::chrono::seconds(1)) {
    ring.second_begun = now;
    ring.in_this_second = 0;
  }
  std::array<char, 256> record;
  record[0] = static_cast<char>(name->size());
  std::ranges::copy(*name, record.begin() + 1);
  if (ring.in_this_second == most_a_second || !ring.bytes.push({record.data(), name->size() + 1})) {
    stats.unknown_names_dropped.add();
    return;
  }
  ++ring.in_this_second;
  stats.unknown_names_told.add();
  ring_bell();
}

void UnknownNames::run(const std::stop_token& stop, const Tell& tell) {
  sigset_t all;
  ::sigfillset(&all);  // signals are for the main thread
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  while (!stop.stop_requested()) {
    for (const auto& ring : rings_) drain(*ring, tell);
    wait();
  }
}

void UnknownNames::drain(Ring& ring, const Tell& tell) {
  for (std::size_t left = ring.bytes.size(); left > 0;) {
    const auto [first, second] = ring.bytes.peek();
    const std::size_t size = static_cast<unsigned char>(first.front());
    std::string name(first.substr(1, size));
    name += second.substr(0, size - name.size());
    ring.bytes.pop(size + 1);
    left -= size + 1;
    try {
      tell(name);
    } catch (const std::exception& error) {
      base::log::error("a name that a client asked for was lost", {{"error", error.what()}});
    }
  }
}

void UnknownNames::wait() const noexcept {
  pollfd bell{bell_, POLLIN, 0};
  ::poll(&bell, 1, -1);
  std::uint64_t rings = 0;
  [[maybe_unused]] const ssize_t got = ::read(bell_, &rings, sizeof rings);
}

void UnknownNames::ring_bell() const noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t sent = ::write(bell_, &one, sizeof one);
}

}  // namespace proxy
