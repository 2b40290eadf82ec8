// SilentServer: a port on loopback that takes connections and never says a word.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <stdexcept>
#include <string>

#include "base/descriptor.h"

namespace test {

class SilentServer {
 public:
  SilentServer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket_.number(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(socket_.number(), 16) != 0 ||
        ::getsockname(socket_.number(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("SilentServer: cannot listen");
    }
    port_ = ntohs(address.sin_port);
  }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  base::Descriptor socket_;
  std::uint16_t port_ = 0;
};

}  // namespace test
