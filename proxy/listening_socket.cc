#include "proxy/listening_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/ip_network.h"

namespace proxy {
namespace {

constexpr int backlog = 4096;

void enable(int descriptor, int level, int option) {
  const int on = 1;
  ::setsockopt(descriptor, level, option, &on, sizeof on);
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Address v6_address(const std::array<std::uint8_t, 16>& bytes, std::uint16_t port) {
  Address address;
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  std::memcpy(&six.sin6_addr, bytes.data(), bytes.size());
  std::memcpy(&address.storage, &six, sizeof six);
  address.size = sizeof six;
  return address;
}

Address v4_address(const std::uint8_t* bytes, std::uint16_t port) {
  Address address;
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_port = htons(port);
  std::memcpy(&four.sin_addr, bytes, 4);
  std::memcpy(&address.storage, &four, sizeof four);
  address.size = sizeof four;
  return address;
}

Address socket_address(const base::IpAddress& ip, std::uint16_t port) {
  return ip.is_v4() ? v4_address(ip.bytes().data() + 12, port) : v6_address(ip.bytes(), port);
}

}  // namespace

ListeningSocket::~ListeningSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

base::Result<ListeningSocket> ListeningSocket::bind(const config::SocketAddress& wanted, Sharing sharing) {
  const std::string where = "listen on " + wanted.to_string();
  Address address;
  if (wanted.host.empty()) {
    // A machine without IPv6 has no dual-stack socket.
    const int probe = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe >= 0) ::close(probe);
    constexpr std::array<std::uint8_t, 16> any{};
    address = probe >= 0 ? v6_address(any, wanted.port) : v4_address(any.data(), wanted.port);
  } else {
    const auto ip = base::IpAddress::parse(wanted.host);
    if (!ip) return base::fail(base::Code::invalid, where + ": not an IP address");
    address = socket_address(*ip, wanted.port);
  }
  ListeningSocket socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.descriptor_ < 0) return base::fail_errno(where, errno);
  enable(socket.descriptor_, SOL_SOCKET, SO_REUSEADDR);
  if (sharing == Sharing::between_workers) enable(socket.descriptor_, SOL_SOCKET, SO_REUSEPORT);
  enable(socket.descriptor_, IPPROTO_TCP, TCP_NODELAY);  // accepted sockets inherit it
  if (::bind(socket.descriptor_, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) {
    return base::fail_errno(where, errno);
  }
  return socket;
}

base::Result<ListeningSocket> ListeningSocket::open(const config::SocketAddress& address) {
  auto socket = bind(address, Sharing::between_workers);
  if (socket && ::listen(socket->descriptor_, backlog) != 0) {
    return base::fail_errno("listen on " + address.to_string(), errno);
  }
  return socket;
}

base::Result<void> ListeningSocket::probe(const config::SocketAddress& address) {
  const auto socket = bind(address, Sharing::none);
  if (!socket) return std::unexpected(socket.error());
  return {};
}

std::uint16_t ListeningSocket::port() const {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&storage), &size);
  sockaddr_in6 six{};
  sockaddr_in four{};
  std::memcpy(&six, &storage, sizeof six);
  std::memcpy(&four, &storage, sizeof four);
  return ntohs(storage.ss_family == AF_INET6 ? six.sin6_port : four.sin_port);
}

}  // namespace proxy
