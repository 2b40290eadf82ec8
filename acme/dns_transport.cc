#include "acme/dns_transport.h"

#include <netdb.h>
#include <netinet/in.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "base/openssl.h"
#include "base/stoppable_wait.h"

namespace acme {
namespace {

using AddressList = std::unique_ptr<addrinfo, base::Freed<freeaddrinfo>>;

std::unexpected<base::Error> unreachable(int error_number) {
  return base::fail(base::Code::unreachable, std::strerror(error_number), base::Origin::control, base::Retry::later);
}

base::Result<base::Descriptor> connect_to(const DnsServer& server, int type, base::StoppableWait& wait) {
  // The kernel chooses a random source port for each new socket, and a connected UDP socket takes nothing from other
  // addresses.
  base::Descriptor socket(::socket(server.address.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.open()) return unreachable(errno);
  const auto* address = reinterpret_cast<const sockaddr*>(&server.address);
  if (::connect(socket.number(), address, server.size) == 0) return socket;
  if (errno != EINPROGRESS) return unreachable(errno);
  if (auto ready = wait.for_descriptor(socket.number(), POLLOUT); !ready) return std::unexpected(ready.error());
  int error_number = 0;
  socklen_t size = sizeof error_number;
  ::getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &error_number, &size);
  if (error_number != 0) return unreachable(error_number);
  return socket;
}

base::Result<void> send_all(int socket, std::string_view bytes, base::StoppableWait& wait) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (auto ready = wait.for_descriptor(socket, POLLOUT); !ready) return ready;
    } else if (sent < 0 && errno != EINTR) {
      return unreachable(errno);
    }
  }
  return {};
}

base::Result<std::string> receive_exactly(int socket, std::size_t size, base::StoppableWait& wait) {
  std::string bytes(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ssize_t got = ::recv(socket, bytes.data() + have, size - have, 0);
    if (got > 0) {
      have += static_cast<std::size_t>(got);
    } else if (got == 0) {
      return base::fail(base::Code::closed, "the server closed the connection", base::Origin::control,
                        base::Retry::later);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (auto ready = wait.for_descriptor(socket, POLLIN); !ready) return std::unexpected(ready.error());
    } else if (errno != EINTR) {
      return unreachable(errno);
    }
  }
  return bytes;
}

}  // namespace

std::optional<DnsServer> DnsServer::parse(std::string_view text, std::uint16_t default_port) {
  std::string host(text);
  std::string port = std::to_string(default_port);
  const std::size_t colon = host.rfind(':');
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == std::string::npos) return std::nullopt;
    if (end + 1 < host.size()) {
      if (host[end + 1] != ':') return std::nullopt;
      port = host.substr(end + 2);
    }
    host = host.substr(1, end - 1);
  } else if (colon != std::string::npos && host.find(':') == colon) {
    port = host.substr(colon + 1);
    host.resize(colon);
  }
  if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  if (std::stoul(port) > 65'535) return std::nullopt;
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (host.empty() || ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return std::nullopt;
  const AddressList owned(found);
  DnsServer server;
  std::memcpy(&server.address, found->ai_addr, found->ai_addrlen);
  server.size = found->ai_addrlen;
  return server;
}

DnsServer DnsServer::at(const base::IpAddress& address, std::uint16_t port) {
  DnsServer server;
  if (address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.bytes().data() + 12, sizeof v4.sin_addr);
    std::memcpy(&server.address, &v4, sizeof v4);
    server.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, address.bytes().data(), sizeof v6.sin6_addr);
    std::memcpy(&server.address, &v6, sizeof v6);
    server.size = sizeof v6;
  }
  return server;
}

std::string DnsServer::to_string() const {
  std::array<char, NI_MAXHOST> host{};
  ::getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host.data(), host.size(), nullptr, 0,
                NI_NUMERICHOST);
  return address.ss_family == AF_INET6 ? fmt::format("[{}]:{}", host.data(), port())
                                       : fmt::format("{}:{}", host.data(), port());
}

std::uint16_t DnsServer::port() const noexcept {
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

bool DnsServer::same_host(const DnsServer& other) const noexcept {
  if (address.ss_family != other.address.ss_family) return false;
  if (address.ss_family == AF_INET6) {
    return std::memcmp(&reinterpret_cast<const sockaddr_in6*>(&address)->sin6_addr,
                       &reinterpret_cast<const sockaddr_in6*>(&other.address)->sin6_addr, sizeof(in6_addr)) == 0;
  }
  return reinterpret_cast<const sockaddr_in*>(&address)->sin_addr.s_addr ==
         reinterpret_cast<const sockaddr_in*>(&other.address)->sin_addr.s_addr;
}

base::Result<std::string> exchange_datagram(const DnsServer& server, std::string_view message,
                                            const DnsExchange& exchange) {
  base::StoppableWait wait(exchange.deadline, exchange.stop);
  const auto socket = connect_to(server, SOCK_DGRAM, wait);
  if (!socket) return std::unexpected(socket.error());
  if (auto sent = send_all(socket->number(), message, wait); !sent) return std::unexpected(sent.error());
  std::string datagram(65'535, '\0');
  while (true) {
    if (auto ready = wait.for_descriptor(socket->number(), POLLIN); !ready) return std::unexpected(ready.error());
    const ssize_t got = ::recv(socket->number(), datagram.data(), datagram.size(), 0);
    if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) return unreachable(errno);
    if (got < 0) continue;
    const std::string_view received(datagram.data(), static_cast<std::size_t>(got));
    if (!exchange.is_answer || exchange.is_answer(received)) return std::string(received);
  }
}

base::Result<std::string> exchange_stream(const DnsServer& server, std::string_view message,
                                          const DnsExchange& exchange) {
  base::StoppableWait wait(exchange.deadline, exchange.stop);
  const auto socket = connect_to(server, SOCK_STREAM, wait);
  if (!socket) return std::unexpected(socket.error());
  // RFC 1035 §4.2.2: two bytes of length first; RFC 7766 §8: in one write.
  std::string framed{static_cast<char>(message.size() >> 8U), static_cast<char>(message.size() & 0xffU)};
  framed += message;
  if (auto sent = send_all(socket->number(), framed, wait); !sent) return std::unexpected(sent.error());
  const auto length = receive_exactly(socket->number(), 2, wait);
  if (!length) return std::unexpected(length.error());
  const auto byte = [&length](std::size_t at) { return static_cast<unsigned char>((*length)[at]); };
  return receive_exactly(socket->number(), static_cast<std::size_t>((byte(0) << 8U) | byte(1)), wait);
}

}  // namespace acme
