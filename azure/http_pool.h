// HttpPool: HTTP clients with their connections, for any number of threads.
#pragma once

#include <mutex>
#include <stop_token>
#include <vector>

#include "base/http_client.h"

namespace azure {

class HttpPool {
 public:
  // As base::HttpClient::send; as many exchanges at once as there are callers. Blocking.
  [[nodiscard]] base::Result<base::HttpResponse> send(const base::HttpRequest& request, const std::stop_token& stop);

 private:
  std::mutex mutex_;
  std::vector<base::HttpClient> idle_;
};

}  // namespace azure
