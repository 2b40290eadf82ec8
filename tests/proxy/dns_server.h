// DnsServer: a name server on a port of its own in the test's process; answers A questions for the names it is given.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace test {

class DnsServer {
 public:
  DnsServer() : socket_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) != 0) throw std::runtime_error("bind");
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  ~DnsServer() {
    thread_.request_stop();
    thread_.join();
    ::close(socket_);
  }
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  [[nodiscard]] std::string servers() const { return "127.0.0.1:" + std::to_string(port_); }
  // IPv4 addresses in host order.
  void set(const std::string& name, std::vector<std::uint32_t> addresses, std::uint32_t ttl) {
    const std::lock_guard lock(mutex_);
    names_[name] = {std::move(addresses), ttl};
  }
  void remove(const std::string& name) {
    const std::lock_guard lock(mutex_);
    names_.erase(name);
  }
  void fall_silent() { silent_ = true; }

 private:
  struct Records {
    std::vector<std::uint32_t> addresses;
    std::uint32_t ttl = 0;
  };

  void run(const std::stop_token& stop) {
    std::array<char, 512> question{};
    while (!stop.stop_requested()) {
      pollfd readable{socket_, POLLIN, 0};
      if (::poll(&readable, 1, 20) != 1) continue;
      sockaddr_in from{};
      socklen_t from_size = sizeof from;
      const ssize_t got =
          ::recvfrom(socket_, question.data(), question.size(), 0, reinterpret_cast<sockaddr*>(&from), &from_size);
      if (got < 17 || silent_) continue;
      const std::string answer = answer_to(std::string(question.data(), static_cast<std::size_t>(got)));
      ::sendto(socket_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), from_size);
    }
  }

  // RFC 1035 §4.1.
  std::string answer_to(const std::string& question) {
    std::string name;
    std::size_t at = 12;
    while (at < question.size() && question[at] != '\0') {
      const auto size = static_cast<std::size_t>(question[at]);
      name += (name.empty() ? "" : ".") + question.substr(at + 1, size);
      at += 1 + size;
    }
    const std::size_t question_end = at + 5;
    const bool wants_a = question[at + 2] == 1;
    const std::lock_guard lock(mutex_);
    const auto known = names_.find(name);
    const bool found = known != names_.end();
    const std::size_t count = found && wants_a ? known->second.addresses.size() : 0;
    std::string answer = question.substr(0, 2) + "\x81" + (found ? "\x80" : "\x83");
    answer += std::string("\0\1", 2) + '\0' + static_cast<char>(count) + std::string(4, '\0');
    answer += question.substr(12, question_end - 12);
    for (std::size_t i = 0; i < count; ++i) {
      answer += std::string("\xc0\x0c\0\1\0\1", 6);
      const auto put32 = [&answer](std::uint32_t value) {
        for (int shift = 24; shift >= 0; shift -= 8) answer += static_cast<char>(value >> static_cast<unsigned>(shift));
      };
      put32(known->second.ttl);
      answer += std::string("\0\4", 2);
      put32(known->second.addresses[i]);
    }
    return answer;
  }

  int socket_;
  std::uint16_t port_ = 0;
  std::atomic<bool> silent_{false};
  std::mutex mutex_;
  std::map<std::string, Records> names_;
  std::jthread thread_;
};

}  // namespace test
