#include "app/admin_client.h"

#include <fmt/format.h>

#include "base/http_client.h"
#include "base/json.h"
#include "base/wait.h"
#include "config/faults.h"
#include "config/host_names.h"

namespace app {

config::SocketAddress default_admin_address() {
  return {.host = "127.0.0.1", .port = 9180};
}

std::string admin_address_fault(const std::string& text) {
  if (config::parse_socket_address(text) || config::parse_endpoint(text)) return {};
  return fmt::format("found {}, expected host:port", config::quote(text));
}

namespace {

using Json = nlohmann::ordered_json;

struct Answer {
  unsigned status;
  Json body;
};

base::Result<Answer> exchange(const std::string& address, base::HttpRequest request) {
  request.url = fmt::format("http://{}{}{}", address.starts_with(':') ? "127.0.0.1" : "", address, request.url);
  request.timeout = std::chrono::seconds(10);
  request.body_limit = 256U << 20U;  // 100,000 certificates
  request.proxy = base::HttpRequest::Proxy::none;
  base::HttpClient client;
  auto response = client.send(request);
  if (!response) return std::unexpected(std::move(response.error()).in(fmt::format("admin endpoint {}", address)));
  auto body = base::parse_ordered_json(response->body);
  if (body.is_discarded()) {
    return base::fail(base::Code::protocol,
                      fmt::format("{} answers {}: this is no sekisho", address, response->status));
  }
  return Answer{response->status, std::move(body)};
}

std::string error_in(const Json& body) {
  const auto error = body.find("error");
  return error != body.end() && error->is_string() ? error->get<std::string>() : "";
}

base::Result<Json> wait_for_errand(const std::string& address, const std::string& path, std::chrono::seconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < until) {
    base::wait_for(std::chrono::milliseconds(100), {});
    auto answer = exchange(address, {.url = path});
    if (!answer) return std::unexpected(std::move(answer.error()));
    if (!answer->body.value("done", false)) continue;
    if (const std::string error = error_in(answer->body); !error.empty()) return base::fail(base::Code::refused, error);
    return answer->body.value("answer", Json::object());
  }
  return base::fail(base::Code::timeout, fmt::format("not done after {} s", patience.count()));
}

}  // namespace

base::Result<Json> change_by_admin(const std::string& address, const AdminChange& change) {
  base::HttpRequest request{.method = "POST", .url = change.path, .headers = {{"Content-Type", "application/json"}}};
  if (!change.token.empty()) request.headers.push_back({"Authorization", "Bearer " + change.token});
  const auto answer = exchange(address, std::move(request));
  if (!answer) return std::unexpected(answer.error());
  if (const std::string error = error_in(answer->body); !error.empty()) return base::fail(base::Code::refused, error);
  const auto errand = answer->body.find("errand");
  if (errand == answer->body.end() || !errand->is_number_unsigned()) return answer->body;
  return wait_for_errand(address, fmt::format("/api/errands/{}", errand->get<std::uint64_t>()), change.patience);
}

base::Result<Json> ask_admin_patiently(const std::string& address, const std::string& path,
                                       std::chrono::seconds patience) {
  const auto answer = exchange(address, {.url = path});
  if (!answer) return std::unexpected(answer.error());
  if (const std::string error = error_in(answer->body); !error.empty()) return base::fail(base::Code::refused, error);
  const auto at = answer->body.find("at");
  if (at == answer->body.end() || !at->is_string()) return answer->body;
  return wait_for_errand(address, at->get<std::string>(), patience);
}

base::Result<nlohmann::ordered_json> ask_admin(const std::string& address, const std::string& path) {
  auto answer = exchange(address, {.url = path});
  if (!answer) return std::unexpected(std::move(answer.error()));
  if (answer->status == 404 || answer->status == 403) {
    return base::fail(base::Code::protocol, fmt::format("{} answers {}: this is no sekisho", address, answer->status));
  }
  return std::move(answer->body);
}

}  // namespace app
