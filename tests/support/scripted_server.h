// ScriptedServer: an HTTP/1.1 server in the process that answers as a test tells it to, mishaps included.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/openssl.h"

namespace test {

// A body that a test writes while the client reads: what is said goes out as a chunk of its own.
class Feed {
 public:
  void say(std::string bytes);
  void end();        // as it should be
  void break_off();  // in the middle
  // Waits; nothing: it has ended.
  [[nodiscard]] std::optional<std::string> next();
  [[nodiscard]] bool broken() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> said_;
  bool ended_ = false;
  bool broken_ = false;
};

// What a server shows, and whom it asks for (empty: nobody).
struct TlsIdentity {
  std::string chain_pem;
  std::string key_pem;
  std::string client_ca_pem{};
};

class ScriptedServer {
 public:
  struct Request {
    std::string method;
    std::string target;  // "/dir"
    std::string head;    // the whole of it
    std::string body;
    std::string client{};  // common name of the client's certificate

    // Of a field, whatever the case of its name; empty: there is none.
    [[nodiscard]] std::string header(std::string_view name) const;
  };
  struct Reply {
    unsigned status = 200;
    std::vector<std::pair<std::string, std::string>> headers{};
    std::string body{};
    enum class Fate : std::uint8_t { sent, lost } fate = Fate::sent;  // lost: the connection ends without an answer
    std::shared_ptr<Feed> feed{};                                     // in the place of `body`
  };
  // Called from the server's threads, one call at a time.
  using Answer = std::function<Reply(const Request&)>;

  // Listens on loopback, on a port that the system chooses.
  explicit ScriptedServer(Answer answer);
  ScriptedServer(Answer answer, const TlsIdentity& identity);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] std::string url(std::string_view target) const;  // "http://127.0.0.1:PORT/dir", or https
  [[nodiscard]] std::string address() const;                     // "127.0.0.1:PORT"
  void show(const TlsIdentity& identity);                        // from the next connection on
  void drop_connections();                                       // as they are
  void go_away();                                                // from then on connections are refused …
  void come_back();                                              // … until this. Both from one thread
  [[nodiscard]] std::vector<Request> requests() const;           // so far

 private:
  void listen();  // at port_, or where the system chooses
  void stop_listening();
  void accept_all();
  void serve(int descriptor);

  Answer answer_;
  int listening_ = -1;
  unsigned port_ = 0;
  std::mutex answering_;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::vector<int> connections_;
  std::vector<std::weak_ptr<Feed>> feeds_;
  base::SslCtxPtr tls_;
  std::vector<std::jthread> threads_;
  std::jthread acceptor_;
};

}  // namespace test
