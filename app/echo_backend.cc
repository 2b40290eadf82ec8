#include "app/echo_backend.h"

#include <array>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "app/echo_answer.h"

namespace app {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using Parser = http::request_parser<http::buffer_body>;

constexpr auto yielded = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::minutes patience{2};
constexpr std::size_t most_message_bytes = 1U << 20U;

EchoedRequest head_of(const http::request<http::buffer_body>& request) {
  EchoedRequest echoed;
  echoed.method = std::string(request.method_string());
  echoed.target = std::string(request.target());
  echoed.protocol = request.version() == 11 ? "HTTP/1.1" : "HTTP/1.0";
  for (const auto& field : request) echoed.headers.emplace_back(field.name_string(), field.value());
  return echoed;
}

// Reads the body to its end; keeps the beginning.
asio::awaitable<bool> read_body(beast::tcp_stream& stream, beast::flat_buffer& buffer, Parser& parser,
                                EchoedRequest& echoed) {
  std::array<char, 16U << 10U> piece;
  while (!parser.is_done()) {
    parser.get().body().data = piece.data();
    parser.get().body().size = piece.size();
    parser.get().body().more = true;
    stream.expires_after(patience);
    const auto [error, bytes] = co_await http::async_read(stream, buffer, parser, yielded);
    if (error && error != http::error::need_buffer) co_return false;
    const std::size_t got = piece.size() - parser.get().body().size;
    const std::size_t room = EchoBackend::shown_body_bytes - echoed.body.size();
    echoed.body.append(piece.data(), std::min(got, room));
    echoed.body_size += got;
  }
  co_return true;
}

asio::awaitable<void> echo_messages(beast::tcp_stream stream, http::request<http::buffer_body> request) {
  stream.expires_never();
  websocket::stream<beast::tcp_stream> peer(std::move(stream));
  peer.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
  peer.read_message_max(most_message_bytes);
  const auto [refused] = co_await peer.async_accept(request, yielded);
  if (refused) co_return;
  for (;;) {
    beast::flat_buffer message;
    const auto [read_error, got] = co_await peer.async_read(message, yielded);
    if (read_error) co_return;
    peer.text(peer.got_text());
    const auto [write_error, sent] = co_await peer.async_write(message.data(), yielded);
    if (write_error) co_return;
  }
}

asio::awaitable<bool> answer(beast::tcp_stream& stream, beast::flat_buffer& buffer, Parser& parser) {
  EchoedRequest echoed = head_of(parser.get());
  if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    http::response<http::empty_body> go_on(http::status::continue_, 11);
    const auto [error, bytes] = co_await http::async_write(stream, go_on, yielded);
    if (error) co_return false;
  }
  const bool complete = co_await read_body(stream, buffer, parser, echoed);
  if (!complete) co_return false;

  http::response<http::string_body> response(http::status::ok, 11);
  response.set(http::field::content_type, "application/json");
  response.keep_alive(parser.get().keep_alive());
  std::string text = echo_answer(echoed);
  response.content_length(text.size());
  if (parser.get().method() != http::verb::head) response.body() = std::move(text);
  stream.expires_after(patience);
  const auto [error, bytes] = co_await http::async_write(stream, response, yielded);
  co_return !error && response.keep_alive();
}

asio::awaitable<void> serve(tcp::socket socket) {
  beast::tcp_stream stream(std::move(socket));
  beast::flat_buffer buffer(128U << 10U);
  for (bool again = true; again;) {
    Parser parser;
    parser.body_limit(boost::none);
    parser.header_limit(64U << 10U);
    stream.expires_after(patience);
    const auto [error, bytes] = co_await http::async_read_header(stream, buffer, parser, yielded);
    if (error) co_return;
    if (websocket::is_upgrade(parser.get())) {
      co_await echo_messages(std::move(stream), parser.release());
      co_return;
    }
    again = co_await answer(stream, buffer, parser);
  }
}

}  // namespace

base::Result<std::unique_ptr<EchoBackend>> EchoBackend::start() {
  auto server = ServerThread::start({.name = "echo backend",
                                     .address = {.host = "127.0.0.1", .port = 0},
                                     .serve = [](tcp::socket socket) { return serve(std::move(socket)); }});
  if (!server) return std::unexpected(std::move(server.error()));
  return std::unique_ptr<EchoBackend>(new EchoBackend(*std::move(server)));
}

}  // namespace app
