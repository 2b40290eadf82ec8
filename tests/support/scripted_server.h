// ScriptedServer: an HTTP/1.1 server in the process that answers as a test tells it to, mishaps included.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace test {

class ScriptedServer {
 public:
  struct Request {
    std::string method;
    std::string target;  // "/dir"
    std::string head;    // the whole of it
    std::string body;
  };
  struct Reply {
    unsigned status = 200;
    std::vector<std::pair<std::string, std::string>> headers{};
    std::string body{};
    enum class Fate : std::uint8_t { sent, lost } fate = Fate::sent;  // lost: the connection ends without an answer
  };
  // Called from the server's threads, one call at a time.
  using Answer = std::function<Reply(const Request&)>;

  // Listens on loopback, on a port that the system chooses.
  explicit ScriptedServer(Answer answer);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] std::string url(std::string_view target) const;  // "http://127.0.0.1:PORT/dir"
  [[nodiscard]] std::vector<Request> requests() const;           // so far

 private:
  void accept_all();
  void serve(int connection);

  Answer answer_;
  int listening_;
  unsigned port_ = 0;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::vector<int> connections_;
  std::vector<std::jthread> threads_;
  std::jthread acceptor_;
};

}  // namespace test
