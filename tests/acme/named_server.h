// NamedServer: bind9's named on a port of its own, with zones and TSIG keys made for one test.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/descriptor.h"
#include "base/openssl.h"
#include "tests/support/scratch_folder.h"

extern char** environ;

namespace test {

// Zones "example.test" and "delegated.test", both of which every key may change; everything else does not exist.
class NamedServer {
 public:
  static constexpr std::array algorithms{"hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"};

  NamedServer() {
    for (unsigned attempt = 0; attempt < 5 && id_ < 0; ++attempt) start();
    if (id_ < 0) throw std::runtime_error("named did not start: " + log_);
  }
  ~NamedServer() { stop(); }
  NamedServer(const NamedServer&) = delete;
  NamedServer& operator=(const NamedServer&) = delete;

  [[nodiscard]] std::string address() const { return fmt::format("127.0.0.1:{}", port_); }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::filesystem::path secret_file(const std::string& algorithm) const {
    return folder_ / ("key-" + algorithm + ".secret");
  }
  void stop() {
    if (id_ > 0) {
      ::kill(id_, SIGKILL);
      ::waitpid(id_, nullptr, 0);
      id_ = -1;
    }
    if (reader_.joinable()) reader_.join();
  }

 private:
  // UDP and TCP of one number; named itself cannot be told to choose.
  static std::uint16_t free_port() {
    const base::Descriptor tcp(::socket(AF_INET, SOCK_STREAM, 0));
    const base::Descriptor udp(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(tcp.number(), reinterpret_cast<sockaddr*>(&address), size) != 0) throw std::runtime_error("bind");
    ::getsockname(tcp.number(), reinterpret_cast<sockaddr*>(&address), &size);
    if (::bind(udp.number(), reinterpret_cast<sockaddr*>(&address), size) != 0) return free_port();
    return ntohs(address.sin_port);
  }

  void write_configuration() {
    std::string keys;
    std::string grants;
    for (const char* algorithm : algorithms) {
      std::array<unsigned char, 32> bytes{};
      RAND_bytes(bytes.data(), bytes.size());
      const std::string secret =
          base::to_base64(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
      keys += fmt::format("key \"key-{0}\" {{ algorithm {0}; secret \"{1}\"; }};\n", algorithm, secret);
      grants += fmt::format("grant \"key-{}\" zonesub TXT;\n", algorithm);
      folder_.write(fmt::format("key-{}.secret", algorithm), secret + "\n");
    }
    std::string zones = "zone \".\" { type primary; file \"root.db\"; };\n";
    for (const char* zone : {"example.test", "delegated.test"}) {
      zones +=
          fmt::format("zone \"{0}\" {{ type primary; file \"{0}.db\"; update-policy {{ {1} }}; }};\n", zone, grants);
    }
    folder_.write(
        "named.conf",
        fmt::format("options {{ directory \"{}\"; listen-on port {} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};"
                    " pid-file none; session-keyfile none; recursion yes; allow-recursion {{ any; }};"
                    " dnssec-validation no; notify no; empty-zones-enable no; }};\ncontrols {{ }};\n{}{}",
                    folder_.path().string(), port_, keys, zones));
    constexpr const char* head = "$TTL 1\n@ SOA ns hostmaster 1 60 60 60 1\n@ NS ns\nns A 127.0.0.1\n";
    folder_.write("root.db", "$TTL 1\n. SOA ns. hostmaster. 1 60 60 60 1\n. NS ns.\nns. A 127.0.0.1\n");
    folder_.write("delegated.test.db", head);
    std::string big;
    for (unsigned i = 0; i < 40; ++i) big += fmt::format("big TXT \"{}-{}\"\n", i, std::string(100, 'x'));
    std::string chain;
    for (unsigned i = 0; i < 10; ++i) chain += fmt::format("chain{} CNAME chain{}\n", i, i + 1);
    folder_.write("example.test.db",
                  std::string(head) + big + chain +
                      "www A 192.0.2.1\nwww AAAA 2001:db8::1\nlocal A 127.0.0.1\nalias CNAME www\n"
                      "loop1 CNAME loop2\nloop2 CNAME loop1\n_acme-challenge.moved CNAME moved.delegated.test.\n"
                      "@ CAA 0 issue \"letsencrypt.org\"\n@ CAA 0 issuewild \";\"\n"
                      "strict CAA 0 issue \"letsencrypt.org; accounturi=https://ca.test/acct/1\"\n"
                      "two TXT \"first\" \"second\"\n");
  }

  void start() {
    port_ = free_port();
    write_configuration();
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    base::Descriptor input(ends[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    std::string configuration = (folder_ / "named.conf").string();
    std::array<std::string, 6> arguments{"named", "-g", "-n", "1", "-c", configuration};
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const int error = ::posix_spawn(&id_, "/usr/sbin/named", &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error("named is not there: scripts/install_packages test");
    input.reset();
    std::promise<bool> running;
    auto is_running = running.get_future();
    if (reader_.joinable()) reader_.join();
    reader_ = std::jthread([this, output = base::Descriptor(ends[0]), promise = std::move(running)]() mutable {
      read_log(output.number(), promise);
    });
    if (!is_running.get()) stop();
  }

  void read_log(int output, std::promise<bool>& running) {
    bool told = false;
    std::array<char, 4096> block{};
    for (ssize_t got = 0; (got = ::read(output, block.data(), block.size())) > 0;) {
      if (told) continue;
      log_.append(block.data(), static_cast<std::size_t>(got));
      // The port may have been taken since it was found free.
      const bool failed = log_.find("address in use") != std::string::npos;
      if (!failed && log_.find(" running\n") == std::string::npos) continue;
      told = true;
      running.set_value(!failed);
    }
    if (!told) running.set_value(false);
  }

  ScratchFolder folder_;
  std::uint16_t port_ = 0;
  pid_t id_ = -1;
  std::string log_;
  std::jthread reader_;
};

// One for all tests of a suite: it takes a while to start.
inline NamedServer& named() {
  static NamedServer server;
  return server;
}

}  // namespace test
