#include "azure/http_pool.h"

#include <optional>
#include <utility>

namespace azure {
namespace {

constexpr std::size_t most_idle = 8;

}  // namespace

base::Result<base::HttpResponse> HttpPool::send(const base::HttpRequest& request, const std::stop_token& stop) {
  std::optional<base::HttpClient> http;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      http = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!http) http.emplace();
  auto response = http->send(request, stop);
  const std::lock_guard lock(mutex_);
  if (idle_.size() < most_idle) idle_.push_back(*std::move(http));
  return response;
}

}  // namespace azure
