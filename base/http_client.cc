#include "base/http_client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <exception>
#include <utility>

#include <curl/curl.h>
#include <fmt/format.h>

#include "base/ascii.h"

namespace base {
namespace {

constexpr std::chrono::milliseconds longest_connect{30'000};
constexpr std::size_t most_header_bytes = 64U << 10U;

struct FreeList {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using TextListPtr = std::unique_ptr<curl_slist, FreeList>;

// What the callbacks of one exchange fill and look at.
struct Exchange {
  HttpResponse response;
  std::stop_token stop;
  std::size_t body_limit = 0;
  std::size_t header_bytes = 0;
  bool too_large = false;
  CURL* curl = nullptr;
  const std::function<bool(std::string_view)>* on_body = nullptr;
  bool unwanted = false;
  std::exception_ptr escaped;  // of the receiver: libcurl's own frames are none that an exception may pass
  std::chrono::steady_clock::time_point last_byte = std::chrono::steady_clock::now();

  [[nodiscard]] bool succeeds() const noexcept {
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status / 100 == 2;
  }

  // False: the receiver wants no more, or has failed.
  bool give(std::string_view bytes) noexcept {
    try {
      unwanted = !(*on_body)(bytes);
    } catch (...) {
      escaped = std::current_exception();
    }
    return !unwanted && !escaped;
  }
};

std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* context) noexcept {
  auto& exchange = *static_cast<Exchange*>(context);
  exchange.last_byte = std::chrono::steady_clock::now();
  if (exchange.on_body != nullptr && exchange.succeeds()) {
    return exchange.give({bytes, size * count}) ? size * count : 0;
  }
  if (exchange.response.body.size() + size * count > exchange.body_limit) {
    exchange.too_large = true;
    return 0;
  }
  exchange.response.body.append(bytes, size * count);
  return size * count;
}

// What is written to a connection that the other side has closed is an error, not the end of the process: OpenSSL
// writes without MSG_NOSIGNAL. For this thread, as long as it lives.
class WithoutPipeSignal {
 public:
  WithoutPipeSignal() {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~WithoutPipeSignal() {
    if (::sigismember(&before_, SIGPIPE) != 0) return;
    const timespec at_once{};
    ::sigtimedwait(&pipe_, nullptr, &at_once);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutPipeSignal(const WithoutPipeSignal&) = delete;
  WithoutPipeSignal& operator=(const WithoutPipeSignal&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
};

std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* context) noexcept {
  auto& exchange = *static_cast<Exchange*>(context);
  const std::string_view line(bytes, size * count);
  exchange.last_byte = std::chrono::steady_clock::now();
  exchange.header_bytes += line.size();
  if (exchange.header_bytes > most_header_bytes) {
    exchange.too_large = true;
    return 0;
  }
  if (line.starts_with("HTTP/")) exchange.response.headers.clear();  // a 1xx came before
  if (line == "\r\n" && exchange.on_body != nullptr && exchange.succeeds()) {
    return exchange.give({}) ? line.size() : 0;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return line.size();
  exchange.response.headers.push_back(
      {lower_case(trimmed(line.substr(0, colon))), std::string(trimmed(line.substr(colon + 1)))});
  return line.size();
}

// A connection that a router has forgotten is noticed within a minute and a half, not after the kernel's two hours.
int on_socket(void* /*context*/, curl_socket_t socket, curlsocktype /*purpose*/) noexcept {
  const unsigned unacknowledged_ms = 60'000;
  ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof unacknowledged_ms);
  return CURL_SOCKOPT_OK;
}

Error translate(CURLcode code, const Exchange& exchange, std::string what) {
  if (exchange.unwanted) return {Code::cancelled, "ended by the receiver", Origin::control, Retry::never};
  if (exchange.too_large) return {Code::too_large, "the answer is larger than allowed", Origin::upstream, Retry::never};
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return {Code::invalid, std::move(what), Origin::control, Retry::never};
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      return {Code::unreachable, std::move(what), Origin::upstream, Retry::later};
    case CURLE_OPERATION_TIMEDOUT:
      return {Code::timeout, std::move(what), Origin::upstream, Retry::later};
    case CURLE_ABORTED_BY_CALLBACK:
      return {Code::cancelled, "cancelled", Origin::control, Retry::never};
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
      return {Code::tls, std::move(what), Origin::upstream, Retry::later};
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
      return {Code::closed, std::move(what), Origin::upstream, Retry::fresh_connection};
    default:
      return {Code::protocol, std::move(what), Origin::upstream, Retry::later};
  }
}

TextListPtr header_list(const std::vector<HttpHeader>& headers) {
  TextListPtr list;
  for (const HttpHeader& header : headers) {
    // A field without a value is written "name;" for libcurl; "name:" would remove it.
    const std::string line = header.value.empty() ? header.name + ';' : header.name + ": " + header.value;
    if (curl_slist* longer = curl_slist_append(list.get(), line.c_str())) {
      static_cast<void>(list.release());
      list.reset(longer);
    }
  }
  return list;
}

bool has_line_break(std::string_view text) {
  return text.find_first_of("\r\n") != std::string_view::npos;
}

}  // namespace

class HttpClient::Handle {
 public:
  Handle() {
    [[maybe_unused]] static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    curl_ = curl_easy_init();
    transfers_ = curl_multi_init();
  }
  ~Handle() {
    const WithoutPipeSignal quiet;
    curl_easy_cleanup(curl_);
    curl_multi_cleanup(transfers_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  Result<HttpResponse> send(const HttpRequest& request, std::stop_token stop) {
    if (curl_ == nullptr || transfers_ == nullptr) return fail(Code::internal, "libcurl cannot be initialised");
    const WithoutPipeSignal quiet;
    Exchange exchange;
    exchange.stop = std::move(stop);
    exchange.body_limit = request.body_limit;
    exchange.curl = curl_;
    if (request.on_body) exchange.on_body = &request.on_body;
    std::array<char, CURL_ERROR_SIZE> message{};
    const TextListPtr headers = header_list(request.headers);

    curl_easy_reset(curl_);
    curl_easy_setopt(curl_, CURLOPT_ERRORBUFFER, message.data());
    configure(request, headers.get());
    configure_tls(request);
    const TextListPtr connect_to = configure_way(request);
    curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, &on_body);
    curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(curl_, CURLOPT_HEADERFUNCTION, &on_header);
    curl_easy_setopt(curl_, CURLOPT_HEADERDATA, &exchange);

    const CURLcode code = perform(exchange, request.idle_timeout);
    if (exchange.escaped) std::rethrow_exception(exchange.escaped);
    if (code == CURLE_OPERATION_TIMEDOUT && message[0] == '\0') {
      return fail(Code::timeout, fmt::format("nothing came for {} ms", request.idle_timeout.count()), Origin::upstream,
                  Retry::later);
    }
    if (code != CURLE_OK) {
      std::string what = message[0] != '\0' ? message.data() : curl_easy_strerror(code);
      return std::unexpected(translate(code, exchange, std::move(what)));
    }
    long status = 0;
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
    exchange.response.status = static_cast<unsigned>(status);
    return std::move(exchange.response);
  }

 private:
  void configure(const HttpRequest& request, curl_slist* headers) {
    curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);  // other threads own the signals
    curl_easy_setopt(curl_, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl_, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    // A stream may last for long; who does not even take the connection is away.
    curl_easy_setopt(curl_, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(std::min(request.timeout, longest_connect).count()));
    curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl_, CURLOPT_USERAGENT, "sekisho/" SEKISHO_VERSION);
    curl_easy_setopt(curl_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (request.method == "HEAD") {
      curl_easy_setopt(curl_, CURLOPT_NOBODY, 1L);
    } else if (request.method != "GET" || !request.body.empty()) {
      curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, request.body.c_str());
      curl_easy_setopt(curl_, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
  }

  void configure_tls(const HttpRequest& request) {
    const auto in_memory = [this](CURLoption option, const std::string& pem) {
      if (pem.empty()) return;
      // The request outlives the exchange, and nothing of it is looked at after that.
      curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_NOCOPY};
      curl_easy_setopt(curl_, option, &blob);
    };
    if (!request.ca_pem.empty() || !request.ca_file.empty()) {
      curl_easy_setopt(curl_, CURLOPT_CAPATH, nullptr);
      // libcurl would go on for a day with what was in the file when it first looked.
      curl_easy_setopt(curl_, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    }
    if (!request.ca_pem.empty()) {
      in_memory(CURLOPT_CAINFO_BLOB, request.ca_pem);
    } else if (!request.ca_file.empty()) {
      curl_easy_setopt(curl_, CURLOPT_CAINFO, request.ca_file.c_str());
    }
    in_memory(CURLOPT_SSLCERT_BLOB, request.client_certificate_pem);
    in_memory(CURLOPT_SSLKEY_BLOB, request.client_key_pem);
    if (request.verification == HttpRequest::Verification::none) {
      curl_easy_setopt(curl_, CURLOPT_SSL_VERIFYPEER, 0L);
      curl_easy_setopt(curl_, CURLOPT_SSL_VERIFYHOST, 0L);
    }
  }

  [[nodiscard]] TextListPtr configure_way(const HttpRequest& request) {
    TextListPtr connect_to;
    if (!request.connect_to.empty()) {
      connect_to.reset(curl_slist_append(nullptr, ("::" + request.connect_to).c_str()));
      curl_easy_setopt(curl_, CURLOPT_CONNECT_TO, connect_to.get());
    }
    if (request.connection == HttpRequest::Connection::fresh) curl_easy_setopt(curl_, CURLOPT_FRESH_CONNECT, 1L);
    if (!request.proxy_url.empty()) {
      curl_easy_setopt(curl_, CURLOPT_PROXY, request.proxy_url.c_str());
    } else if (request.proxy == HttpRequest::Proxy::none) {
      curl_easy_setopt(curl_, CURLOPT_NOPROXY, "*");
    }
    curl_easy_setopt(curl_, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(curl_, CURLOPT_TCP_KEEPIDLE, 30L);
    curl_easy_setopt(curl_, CURLOPT_TCP_KEEPINTVL, 10L);
    curl_easy_setopt(curl_, CURLOPT_SOCKOPTFUNCTION, &on_socket);
    return connect_to;
  }

  // Runs what is configured to its end, to the request's deadline (libcurl's), to a pause that is too long or to a
  // stop.
  CURLcode perform(const Exchange& exchange, std::chrono::milliseconds idle_timeout) {
    const std::stop_callback wake(exchange.stop, [this] { curl_multi_wakeup(transfers_); });
    if (curl_multi_add_handle(transfers_, curl_) != CURLM_OK) return CURLE_OUT_OF_MEMORY;
    const CURLcode code = run(exchange, idle_timeout);
    curl_multi_remove_handle(transfers_, curl_);
    return code;
  }

  CURLcode run(const Exchange& exchange, std::chrono::milliseconds idle_timeout) {
    for (;;) {
      int running = 0;
      if (curl_multi_perform(transfers_, &running) != CURLM_OK) return CURLE_FAILED_INIT;
      if (running == 0) return outcome();
      if (exchange.stop.stop_requested()) return CURLE_ABORTED_BY_CALLBACK;
      const auto idle = std::chrono::steady_clock::now() - exchange.last_byte;
      std::chrono::milliseconds most{1000};
      if (idle_timeout.count() > 0) {
        if (idle >= idle_timeout) return CURLE_OPERATION_TIMEDOUT;
        most = std::min(most, std::chrono::ceil<std::chrono::milliseconds>(idle_timeout - idle));
      }
      if (curl_multi_poll(transfers_, nullptr, 0, static_cast<int>(most.count()), nullptr) != CURLM_OK) {
        return CURLE_FAILED_INIT;
      }
    }
  }

  CURLcode outcome() {
    int left = 0;
    const CURLMsg* message = curl_multi_info_read(transfers_, &left);
    return message != nullptr && message->msg == CURLMSG_DONE ? message->data.result : CURLE_FAILED_INIT;
  }

  CURL* curl_ = nullptr;
  CURLM* transfers_ = nullptr;  // keeps the connections
};

std::string_view HttpResponse::header(std::string_view name) const noexcept {
  const auto found = std::ranges::find(headers, name, &HttpHeader::name);
  return found == headers.end() ? std::string_view() : std::string_view(found->value);
}

HttpClient::HttpClient() : handle_(std::make_unique<Handle>()) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

Result<HttpResponse> HttpClient::send(const HttpRequest& request, std::stop_token stop) {
  if (has_line_break(request.method)) return fail(Code::invalid, "a line break in the method");
  for (const HttpHeader& header : request.headers) {
    if (has_line_break(header.name) || has_line_break(header.value)) {
      return fail(Code::invalid, fmt::format("a line break in the header field {}", header.name.substr(0, 64)));
    }
  }
  return handle_->send(request, std::move(stop));
}

}  // namespace base
