// HttpClient: blocking HTTP for the control plane and the command line, over libcurl. Never used on a worker.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
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
  std::filesystem::path ca_file;              // trusted for this request alone; empty: the system's
  std::size_t body_limit = 8U << 20U;         // of the answer; more is the error too_large
  Proxy proxy = Proxy::from_environment;
  Connection connection = Connection::kept_or_fresh;
};

struct HttpResponse {
  unsigned status = 0;
  std::vector<HttpHeader> headers;  // names in lower case; controlled by the other side, 64 KiB at most
  std::string body;

  // The first field of that name (lower case); empty if there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
};

// Keeps connections between requests. One thread at a time; make one for each thread.
class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  // One exchange; redirects are not followed, and any status is an answer, not an error. Errors: invalid (URL),
  // unreachable, timeout, tls, closed, too_large, cancelled (`stop`, noticed within a second), protocol. Blocking.
  [[nodiscard]] Result<HttpResponse> send(const HttpRequest& request, std::stop_token stop = {});

 private:
  class Handle;
  std::unique_ptr<Handle> handle_;
};

}  // namespace base
