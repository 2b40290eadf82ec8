#include "app/admin_client.h"

#include <fmt/format.h>

#include "base/http_client.h"

namespace app {

config::SocketAddress default_admin_address() {
  return {.host = "127.0.0.1", .port = 9180};
}

base::Result<nlohmann::ordered_json> ask_admin(const std::string& address, const std::string& path) {
  base::HttpRequest request;
  request.url = fmt::format("http://{}{}{}", address.starts_with(':') ? "127.0.0.1" : "", address, path);
  request.timeout = std::chrono::seconds(10);
  request.body_limit = 256U << 20U;  // 100,000 certificates
  request.proxy = base::HttpRequest::Proxy::none;
  base::HttpClient client;
  auto response = client.send(request);
  if (!response) return std::unexpected(std::move(response.error()).in(fmt::format("admin endpoint {}", address)));

  auto body = nlohmann::ordered_json::parse(response->body, nullptr, /*allow_exceptions=*/false);
  if (body.is_discarded() || response->status == 404 || response->status == 403) {
    return base::fail(base::Code::protocol,
                      fmt::format("{} answers {}: this is no sekisho", address, response->status));
  }
  return body;
}

}  // namespace app
