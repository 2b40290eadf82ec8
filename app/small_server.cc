#include "app/small_server.h"

#include <list>
#include <type_traits>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "base/ip_network.h"
#include "base/log.h"
#include "certstore/secret_bytes.h"

namespace app {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

constexpr std::size_t most_header_bytes = 16U << 10U;
constexpr auto yielded = asio::as_tuple(asio::use_awaitable);

Response make_response(const Request& request, AdminAnswer answer) {
  Response response(static_cast<http::status>(answer.status), 11);
  response.set(http::field::content_type, answer.content_type);
  response.set(http::field::cache_control, "no-store");
  response.set(
      "Content-Security-Policy",
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Referrer-Policy", "no-referrer");
  if (answer.status == 405) response.set(http::field::allow, "GET, HEAD");
  for (const auto& [name, value] : answer.headers) response.set(name, value);
  response.keep_alive(request.keep_alive());
  response.content_length(answer.body.size());
  if (request.method() != http::verb::head) response.body() = std::move(answer.body);
  return response;
}

bool is_of_this_machine(const tcp::socket& socket) {
  boost::system::error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (error) return false;
  asio::ip::address address = peer.address();
  // A socket of both families says so of IPv4.
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return address.is_loopback();
}

}  // namespace

// What a connection needs; shared by all of them, touched by the thread alone.
class SmallServer::Service {
 public:
  explicit Service(Options options)
      : options_(std::move(options)), guarded_(base::is_loopback_address(options_.address.host)) {}

  [[nodiscard]] const std::string& name() const noexcept { return options_.name; }

  asio::awaitable<void> serve(tcp::socket socket) {
    if (!options_.certificate) {
      beast::tcp_stream stream(std::move(socket));
      co_await serve_all(stream, stream);
      co_return;
    }
    const std::shared_ptr<asio::ssl::context> tls = context();
    if (!tls) co_return;
    asio::ssl::stream<beast::tcp_stream> secured(beast::tcp_stream(std::move(socket)), *tls);
    co_await serve_all(secured, secured.next_layer());
  }

 private:
  // `transport` is below `stream`, or the same.
  template <class Stream>
  asio::awaitable<void> serve_all(Stream& stream, beast::tcp_stream& transport) {
    beast::flat_buffer buffer(most_header_bytes + options_.largest_body);
    make_room();
    places_.push_back(&transport);
    bool again = true;
    if constexpr (!std::is_same_v<Stream, beast::tcp_stream>) {
      transport.expires_after(options_.timeout);
      const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::server, yielded);
      again = !error;
    }
    while (again) {
      again = co_await serve_one(stream, transport, buffer);
      // The last that was of use is the last to go.
      if (std::erase(places_, &transport) == 0) break;
      places_.push_back(&transport);
    }
    std::erase(places_, &transport);
    boost::system::error_code ignored;
    transport.socket().shutdown(tcp::socket::shutdown_both, ignored);
  }

  // Connections that say nothing must not keep a probe out: the one that has not been answered for longest makes room.
  void make_room() {
    if (places_.size() < options_.connections) return;
    places_.front()->cancel();
    places_.pop_front();
  }

  // Made anew when the certificate is another one; connections that began before keep theirs.
  std::shared_ptr<asio::ssl::context> context() {
    certstore::CertificatePtr now = options_.certificate();
    if (!now || now == shown_) return now ? context_ : nullptr;
    auto made = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
    std::string key = now->key_pem();
    const certstore::WipedAtEnd wiped(key);
    boost::system::error_code error;
    made->set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1, error);
    if (!error) made->use_certificate_chain(asio::buffer(now->chain_pem()), error);
    if (!error) made->use_private_key(asio::buffer(key), asio::ssl::context::pem, error);
    if (error) {
      base::log::error(options_.name + ": its certificate cannot be shown", {{"error", error.message()}});
      return context_;
    }
    context_ = std::move(made);
    shown_ = std::move(now);
    return context_;
  }

  template <class Stream>
  asio::awaitable<bool> serve_one(Stream& stream, beast::tcp_stream& transport, beast::flat_buffer& buffer) {
    transport.expires_after(options_.timeout);
    http::request_parser<http::string_body> parser;
    parser.header_limit(most_header_bytes);
    parser.body_limit(options_.largest_body);
    const auto [read_error, read_bytes] = co_await http::async_read(stream, buffer, parser, yielded);
    const bool too_large = read_error == http::error::body_limit;
    const bool broken =
        read_error == http::error::header_limit || too_large ||
        (read_error && read_error.category() == http::make_error_code(http::error::bad_method).category() &&
         read_error != http::error::end_of_stream && read_error != http::error::partial_message);
    if (read_error && !broken) co_return false;
    Response response = broken ? refusal(too_large ? 413 : 400) : answer(parser.get(), transport.socket());
    transport.expires_after(options_.timeout);
    const auto [write_error, written] = co_await http::async_write(stream, response, yielded);
    co_return !write_error && response.keep_alive();
  }

  static Response refusal(unsigned status) {
    Response response = make_response(
        Request(),
        {status, "application/json", status == 413 ? "{\"error\":\"too large\"}\n" : "{\"error\":\"bad request\"}\n"});
    response.keep_alive(false);
    return response;
  }

  Response answer(const Request& request, const tcp::socket& socket) const {
    AdminRequest asked{std::string(request.method_string()),
                       std::string(request.target()),
                       std::string(request[http::field::host]),
                       std::string(request[http::field::authorization]),
                       std::string(request[http::field::content_type]),
                       request.body()};
    asked.webhook_origin = std::string(request["WebHook-Request-Origin"]);
    if (is_of_this_machine(socket) && is_local_host_header(asked.host)) asked.peer = AdminRequest::Peer::this_machine;
    if (guarded_ && !is_local_host_header(asked.host)) {
      return make_response(request, {403, "application/json",
                                     "{\"error\":\"the Host header is neither an IP address nor localhost\"}\n"});
    }
    return make_response(request, options_.handler(asked));
  }

  Options options_;
  bool guarded_;
  certstore::CertificatePtr shown_;
  std::shared_ptr<asio::ssl::context> context_;  // with that one
  std::list<beast::tcp_stream*> places_;         // the open connections, the last answered at the end
};

SmallServer::SmallServer() = default;
SmallServer::~SmallServer() = default;

base::Result<std::unique_ptr<SmallServer>> SmallServer::start(Options options) {
  std::unique_ptr<SmallServer> server(new SmallServer());
  const config::SocketAddress address = options.address;
  const std::size_t connections = options.connections;
  server->service_ = std::make_unique<Service>(std::move(options));
  auto thread = ServerThread::start(
      {.name = server->service_->name(),
       .address = address,
       .serve = [service = server->service_.get()](tcp::socket socket) { return service->serve(std::move(socket)); },
       // What makes room needs an instant to end.
       .connections = 2 * connections});
  if (!thread) return std::unexpected(std::move(thread.error()));
  server->thread_ = *std::move(thread);
  return server;
}

}  // namespace app
