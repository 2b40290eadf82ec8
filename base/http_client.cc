#include "base/http_client.h"

#include <algorithm>
#include <array>
#include <utility>

#include <curl/curl.h>
#include <fmt/format.h>

#include "base/ascii.h"

namespace base {
namespace {

constexpr std::size_t most_header_bytes = 64U << 10U;

struct FreeList {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using HeaderListPtr = std::unique_ptr<curl_slist, FreeList>;

// What the callbacks of one exchange fill and look at.
struct Exchange {
  HttpResponse response;
  std::stop_token stop;
  std::size_t body_limit = 0;
  std::size_t header_bytes = 0;
  bool too_large = false;
};

std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* context) noexcept {
  auto& exchange = *static_cast<Exchange*>(context);
  if (exchange.response.body.size() + size * count > exchange.body_limit) {
    exchange.too_large = true;
    return 0;
  }
  exchange.response.body.append(bytes, size * count);
  return size * count;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* context) noexcept {
  auto& exchange = *static_cast<Exchange*>(context);
  const std::string_view line(bytes, size * count);
  exchange.header_bytes += line.size();
  if (exchange.header_bytes > most_header_bytes) {
    exchange.too_large = true;
    return 0;
  }
  if (line.starts_with("HTTP/")) exchange.response.headers.clear();  // a 1xx came before
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return line.size();
  exchange.response.headers.push_back(
      {lower_case(trimmed(line.substr(0, colon))), std::string(trimmed(line.substr(colon + 1)))});
  return line.size();
}

int on_progress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  return static_cast<const Exchange*>(context)->stop.stop_requested() ? 1 : 0;
}

Error translate(CURLcode code, const Exchange& exchange, std::string what) {
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

HeaderListPtr header_list(const std::vector<HttpHeader>& headers) {
  HeaderListPtr list;
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
  }
  ~Handle() { curl_easy_cleanup(curl_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  Result<HttpResponse> send(const HttpRequest& request, std::stop_token stop) {
    if (curl_ == nullptr) return fail(Code::internal, "libcurl cannot be initialised");
    Exchange exchange;
    exchange.stop = std::move(stop);
    exchange.body_limit = request.body_limit;
    std::array<char, CURL_ERROR_SIZE> message{};
    const HeaderListPtr headers = header_list(request.headers);

    curl_easy_reset(curl_);  // keeps the connections
    curl_easy_setopt(curl_, CURLOPT_ERRORBUFFER, message.data());
    configure(request, headers.get());
    curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, &on_body);
    curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(curl_, CURLOPT_HEADERFUNCTION, &on_header);
    curl_easy_setopt(curl_, CURLOPT_HEADERDATA, &exchange);
    curl_easy_setopt(curl_, CURLOPT_XFERINFOFUNCTION, &on_progress);
    curl_easy_setopt(curl_, CURLOPT_XFERINFODATA, &exchange);

    const CURLcode code = curl_easy_perform(curl_);
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
    curl_easy_setopt(curl_, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl_, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl_, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl_, CURLOPT_USERAGENT, "sekisho/" SEKISHO_VERSION);
    curl_easy_setopt(curl_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!request.ca_file.empty()) {
      curl_easy_setopt(curl_, CURLOPT_CAINFO, request.ca_file.c_str());
      curl_easy_setopt(curl_, CURLOPT_CAPATH, nullptr);
    }
    if (request.connection == HttpRequest::Connection::fresh) curl_easy_setopt(curl_, CURLOPT_FRESH_CONNECT, 1L);
    if (request.proxy == HttpRequest::Proxy::none) curl_easy_setopt(curl_, CURLOPT_NOPROXY, "*");
    if (request.method == "HEAD") {
      curl_easy_setopt(curl_, CURLOPT_NOBODY, 1L);
    } else if (request.method != "GET" || !request.body.empty()) {
      curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, request.body.c_str());
      curl_easy_setopt(curl_, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
  }

  CURL* curl_ = nullptr;
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
