#include "kube/api_document.h"

#include <utility>

#include "base/json.h"

namespace kube {
namespace {

constexpr std::chrono::seconds patience{10};
constexpr std::size_t largest_document = 1U << 20U;

}  // namespace

Outcome<ApiDocument> read_document(Access& access, const std::string& path, const std::stop_token& stop) {
  const auto connection = access.connection(stop);
  if (!connection) return failed(connection.error());
  base::HttpRequest request = connection->request(path);
  request.timeout = patience;
  request.body_limit = largest_document;
  request.headers.push_back({"Accept", "application/json"});
  base::HttpClient http;
  auto response = http.send(request, stop);
  if (!response) return failed(std::move(response.error()).in("GET " + path));
  if (response->status / 100 != 2) return std::unexpected(failure_from(*response).in("GET " + path));
  ApiDocument document{base::parse_json(response->body), std::string(response->header("date"))};
  if (!document.body.is_object()) {
    return failed({base::Code::protocol, "GET " + path + ": the answer is no object", base::Origin::upstream,
                   base::Retry::later});
  }
  return document;
}

}  // namespace kube
