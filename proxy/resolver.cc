#include "proxy/resolver.h"

#include <ares.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace proxy {
namespace {

using namespace std::chrono_literals;

constexpr auto as_result = asio::as_tuple(use_awaitable);
constexpr std::size_t most_addresses = 256;
constexpr std::chrono::seconds hosts_file_ttl{30};

// A UDP socket "connects" without sending anything; it fails where there is no route.
bool has_route(const base::IpAddress& address) {
  const auto bytes = address.bytes();
  const asio::ip::address_v6 six(bytes);
  const asio::ip::address any =
      address.is_v4() ? asio::ip::address(asio::ip::make_address_v4(asio::ip::v4_mapped, six)) : asio::ip::address(six);
  const asio::ip::udp::endpoint endpoint(any, 53);
  const int probe = ::socket(endpoint.protocol().family(), SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  const bool reachable = ::connect(probe, endpoint.data(), static_cast<socklen_t>(endpoint.size())) == 0;
  ::close(probe);
  return reachable;
}

// One question: a c-ares channel of its own and the sockets that it has opened.
class Question {
 public:
  explicit Question(asio::io_context& io) : io_(io), changed_(io) {}
  ~Question() { close(); }
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  [[nodiscard]] int open(const Resolver::Options& options) {
    static std::once_flag once;
    std::call_once(once, [] { ::ares_library_init(ARES_LIB_INIT_ALL); });
    ares_options wanted{};
    wanted.timeout = static_cast<int>(options.timeout.count());
    wanted.tries = options.tries;
    wanted.sock_state_cb = &Question::on_socket;
    wanted.sock_state_cb_data = this;
    const int status =
        ::ares_init_options(&channel_, &wanted, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (status != ARES_SUCCESS || options.servers.empty()) return status;
    return ::ares_set_servers_ports_csv(channel_, options.servers.c_str());
  }

  void ask(const std::string& host) {
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = ARES_AI_NOSORT;
    ::ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, &Question::on_answer, this);
  }

  // Ends all waits, and with them what keeps this alive.
  void close() noexcept {
    if (channel_ != nullptr) ::ares_destroy(std::exchange(channel_, nullptr));
  }

  [[nodiscard]] bool answered() const noexcept { return status_.has_value(); }
  [[nodiscard]] int status() const noexcept { return *status_; }
  // The answer came over the network, not from the hosts file.
  [[nodiscard]] bool used_network() const noexcept { return used_network_; }
  std::vector<base::IpAddress> addresses;
  std::chrono::seconds ttl{};

  // Until a socket was ready, or it is time for the next try. `self` keeps this alive in the handlers.
  static awaitable<void> advance(std::shared_ptr<Question> self) {
    for (auto& [fd, socket] : self->sockets_) watch(self, fd, *socket);
    timeval most{1, 0};
    timeval left{};
    ::ares_timeout(self->channel_, &most, &left);
    self->changed_.expires_after(std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec) + 1ms);
    const auto [error] = co_await self->changed_.async_wait(as_result);
    if (!error) ::ares_process_fd(self->channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  }

 private:
  struct Socket {
    Socket(asio::io_context& io, int fd) : descriptor(io) {
      error_code error;  // not watched, then: the try runs into its timeout
      descriptor.assign(fd, error);
    }
    asio::posix::stream_descriptor descriptor;
    bool wants_read = false, wants_write = false;  // says c-ares
    bool reading = false, writing = false;         // a wait is under way
  };

  static void watch(const std::shared_ptr<Question>& self, int fd, Socket& socket) {
    if (!socket.descriptor.is_open()) return;
    using Wait = asio::posix::stream_descriptor::wait_type;
    if (socket.wants_read && !std::exchange(socket.reading, true)) {
      socket.descriptor.async_wait(Wait::wait_read,
                                   [self, fd](error_code error) { self->ready(fd, ARES_SOCKET_BAD, error); });
    }
    if (socket.wants_write && !std::exchange(socket.writing, true)) {
      socket.descriptor.async_wait(Wait::wait_write,
                                   [self, fd](error_code error) { self->ready(ARES_SOCKET_BAD, fd, error); });
    }
  }

  void ready(int readable, int writable, error_code error) {
    // Cancelled: c-ares has closed the socket, and its number may be another one's by now.
    if (error || channel_ == nullptr) return;
    if (const auto found = sockets_.find(readable); found != sockets_.end()) found->second->reading = false;
    if (const auto found = sockets_.find(writable); found != sockets_.end()) found->second->writing = false;
    ::ares_process_fd(channel_, readable, writable);
    changed_.cancel();
  }

  // c-ares owns the socket; here is only told when to wait for it. Comes before it is closed, with neither.
  static void on_socket(void* data, ares_socket_t fd, int readable, int writable) noexcept {
    auto& self = *static_cast<Question*>(data);
    self.used_network_ = true;
    const auto known = self.sockets_.find(fd);
    if (readable == 0 && writable == 0) {
      if (known == self.sockets_.end()) return;
      if (known->second->descriptor.is_open()) known->second->descriptor.release();
      self.sockets_.erase(known);
      return;
    }
    Socket& socket = known != self.sockets_.end()
                         ? *known->second
                         : *self.sockets_.emplace(fd, std::make_unique<Socket>(self.io_, fd)).first->second;
    socket.wants_read = readable != 0;
    socket.wants_write = writable != 0;
  }

  static void on_answer(void* data, int status, int /*timeouts*/, ares_addrinfo* answer) noexcept {
    if (status == ARES_EDESTRUCTION) return;
    auto& self = *static_cast<Question*>(data);
    self.status_ = status;
    if (answer == nullptr) return;
    std::optional<int> shortest;
    for (const ares_addrinfo_node* node = answer->nodes; node != nullptr; node = node->ai_next) {
      const auto address = base::IpAddress::from(*node->ai_addr);
      if (!address || self.addresses.size() >= most_addresses) continue;
      self.addresses.push_back(*address);
      shortest = std::min(shortest.value_or(node->ai_ttl), node->ai_ttl);
    }
    for (const ares_addrinfo_cname* name = answer->cnames; name != nullptr && shortest; name = name->next) {
      shortest = std::min(*shortest, name->ttl);
    }
    self.ttl = std::chrono::seconds(shortest.value_or(0));
    ::ares_freeaddrinfo(answer);
  }

  asio::io_context& io_;
  asio::steady_timer changed_;
  ares_channel channel_ = nullptr;
  std::map<int, std::unique_ptr<Socket>> sockets_;
  std::optional<int> status_;
  bool used_network_ = false;
};

base::Code code_of(int status) {
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
      return base::Code::not_found;
    case ARES_ETIMEOUT:
      return base::Code::timeout;
    case ARES_EBADNAME:
      return base::Code::invalid;
    default:
      return base::Code::unreachable;
  }
}

}  // namespace

awaitable<base::Result<Resolution>> Resolver::resolve(std::string host) const {
  const auto question = std::make_shared<Question>(io_);
  int status = question->open(options_);
  if (status == ARES_SUCCESS) {
    question->ask(host);
    while (!question->answered()) co_await Question::advance(question);
    status = question->status();
  }
  question->close();
  if (status != ARES_SUCCESS || question->addresses.empty()) {
    const int why = status == ARES_SUCCESS ? ARES_ENODATA : status;
    co_return base::fail(code_of(why), host + ": " + ::ares_strerror(why), base::Origin::upstream, base::Retry::later);
  }
  Resolution found{std::move(question->addresses),
                   bounded_ttl(question->used_network() ? question->ttl : hosts_file_ttl)};
  std::ranges::sort(found.addresses);
  const auto same = std::ranges::unique(found.addresses);
  found.addresses.erase(same.begin(), same.end());
  if (std::ranges::any_of(found.addresses, has_route)) {
    std::erase_if(found.addresses, [](const base::IpAddress& address) { return !has_route(address); });
  }
  co_return found;
}

std::chrono::seconds bounded_ttl(std::chrono::seconds ttl) noexcept {
  return std::clamp<std::chrono::seconds>(ttl, 5s, 1h);
}

std::chrono::seconds resolve_backoff(unsigned failures_so_far) noexcept {
  return std::min<std::chrono::seconds>(1min, std::chrono::seconds(1U << std::min(failures_so_far, 6U)));
}

}  // namespace proxy
