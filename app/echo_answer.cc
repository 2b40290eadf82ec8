#include "app/echo_answer.h"

#include <boost/beast/core/detail/base64.hpp>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/utf8.h"

namespace app {
namespace {

using Json = nlohmann::ordered_json;

std::string base64(const std::string& bytes) {
  namespace codec = boost::beast::detail::base64;
  std::string text(codec::encoded_size(bytes.size()), '\0');
  text.resize(codec::encode(text.data(), bytes.data(), bytes.size()));
  return text;
}

// A name that came once has its value, one that came often has them all in order.
void add_header(Json& headers, const std::string& name, const std::string& value) {
  if (!headers.contains(name)) {
    headers[name] = value;
    return;
  }
  Json& known = headers[name];
  if (!known.is_array()) known = Json::array({known});
  known.push_back(value);
}

}  // namespace

std::string echo_answer(const EchoedRequest& request) {
  Json headers = Json::object();
  for (const auto& [name, value] : request.headers) add_header(headers, name, value);
  Json answer{{"method", request.method},
              {"target", request.target},
              {"protocol", request.protocol},
              {"headers", std::move(headers)},
              {"body_size", request.body_size}};
  if (config::first_not_text(request.body)) {
    answer["body_base64"] = base64(request.body);
  } else {
    answer["body"] = request.body;
  }
  return base::json_lines(answer) + '\n';
}

}  // namespace app
