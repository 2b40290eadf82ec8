// HttpClient: blocking HTTP for the control plane and the command line, over libcurl. Never used on a worker.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace base {

struct HttpHeader {
  std::string name;
  std::string value;
};

struct HttpResponse {
  unsigned status = 0;
  std::vector<HttpHeader> headers;  // names in lower case; controlled by the other side, 64 KiB at most
  std::string body;

  // The first field of that name (lower case); empty if there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
};

struct HttpRequest {
  enum class Proxy { from_environment, none };
  // libcurl sends a request again by itself when a kept connection turns out to be closed; what must never be done
  // twice goes over a fresh one.
  enum class Connection { kept_or_fresh, fresh };

  std::string method = "GET";
  std::string url;  // http or https
  std::vector<HttpHeader> headers;
  std::string body;
  std::chrono::milliseconds timeout{30'000};  // for the whole exchange, name resolution included
  std::chrono::milliseconds idle_timeout{0};  // for each pause between bytes of the answer; 0: none
  std::filesystem::path ca_file;              // trusted for this request alone; empty: the system's
  std::string ca_pem;                         // the same in memory, and before ca_file
  std::string client_certificate_pem;         // a chain, shown to a server that asks for one; with its key
  std::string client_key_pem;                 // secret
  std::string connect_to;                     // HOST:PORT to connect to in the place of the URL's
  std::string proxy_url;                      // before the environment's; empty: as `proxy` says
  enum class Verification : std::uint8_t { full, none } verification = Verification::full;
  std::size_t body_limit = 8U << 20U;  // of the answer; more is the error too_large
  Proxy proxy = Proxy::from_environment;
  Connection connection = Connection::kept_or_fresh;
  // Gets the body of a 2xx answer piece by piece as it comes, without a limit, and HttpResponse::body stays empty. The
  // first piece is empty: the answer has begun, and its body may be long in coming. False ends the exchange with the
  // error `cancelled`. Called by the thread that sends.
  std::function<bool(std::string_view)> on_body;
};

// Keeps connections between requests. One thread at a time; make one for each thread.
class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  // One exchange; redirects are not followed, and any status is an answer, not an error. Errors: invalid (URL),
  // unreachable, timeout, tls, closed, too_large, cancelled (`stop`, at once), protocol. Blocking.
  [[nodiscard]] Result<HttpResponse> send(const HttpRequest& request, std::stop_token stop = {});

 private:
  class Handle;
  std::unique_ptr<Handle> handle_;
};

}  // namespace base
