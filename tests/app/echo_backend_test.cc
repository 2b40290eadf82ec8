#include "app/echo_backend.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/http_client.h"

namespace app {
namespace {

nlohmann::json ask(const std::string& body) {
  const auto backend = EchoBackend::start();
  EXPECT_TRUE(backend);
  base::HttpRequest request;
  request.method = "POST";
  request.url = "http://" + (*backend)->address().to_string() + "/path?q=1";
  request.headers = {{"X-Mine", "1"}, {"X-Twice", "a"}, {"X-Twice", "b"}};
  request.body = body;
  request.proxy = base::HttpRequest::Proxy::none;
  const auto answer = base::HttpClient().send(request);
  EXPECT_TRUE(answer) << answer.error().what;
  return nlohmann::json::parse(answer->body);
}

TEST(EchoBackend, ShowsBytesThatAreNoTextInBase64) {
  const auto answer = ask(std::string("\xff\x00\xfe", 3));
  EXPECT_EQ(answer["body_base64"], "/wD+");
  EXPECT_FALSE(answer.contains("body"));
}

TEST(EchoBackend, CountsAllOfALongBodyAndShowsItsBeginning) {
  const std::size_t size = EchoBackend::shown_body_bytes * 4 + 1;
  const auto answer = ask(std::string(size, 'x'));
  EXPECT_EQ(answer["body_size"], size);
  EXPECT_EQ(answer["body"].get<std::string>().size(), EchoBackend::shown_body_bytes);
}

TEST(EchoBackend, AnswersWithWhatItReceived) {
  const auto answer = ask("hello");
  EXPECT_EQ(answer["method"], "POST");
  EXPECT_EQ(answer["target"], "/path?q=1");
  EXPECT_EQ(answer["headers"]["X-Mine"], "1");
  EXPECT_EQ(answer["headers"]["X-Twice"], nlohmann::json::array({"a", "b"}));
  EXPECT_EQ(answer["body"], "hello");
  EXPECT_EQ(answer["body_size"], 5);
}

}  // namespace
}  // namespace app
