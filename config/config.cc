#include "config/config.h"

#include <fmt/format.h>

namespace config {
namespace {

std::string host_and_port(const std::string& host, std::uint16_t port) {
  if (host.find(':') != std::string::npos) return fmt::format("[{}]:{}", host, port);
  return fmt::format("{}:{}", host, port);
}

}  // namespace

std::string SocketAddress::to_string() const {
  return host_and_port(host, port);
}

std::string Endpoint::to_string() const {
  return host_and_port(host, port);
}

}  // namespace config
