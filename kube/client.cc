#include "kube/client.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "acme/json_fields.h"
#include "base/json.h"
#include "base/wait.h"

namespace kube {
namespace {

constexpr std::size_t largest_object = 8U << 20U;  // etcd takes 1.5 MiB
constexpr std::size_t largest_page = 256U << 20U;
constexpr unsigned page_size = 500;
constexpr std::size_t most_objects = 500'000;
constexpr std::size_t most_idle = 8;
constexpr unsigned most_waits = 3;
constexpr std::chrono::seconds default_wait{1};

// `call`: "GET /api/v1/secrets".
Outcome<nlohmann::json> object_or_failure(nlohmann::json answer, const std::string& call) {
  if (answer.is_object()) return answer;
  return failed({base::Code::protocol, call + ": the answer is no object", base::Origin::upstream, base::Retry::later});
}

void add_query(std::string& path, std::string_view name, std::string_view value) {
  path += path.contains('?') ? '&' : '?';
  path.append(name).append("=").append(percent_encoded(value));
}

}  // namespace

std::string metadata_text(const nlohmann::json& object, std::string_view member) {
  const nlohmann::json* metadata = acme::member(object, "metadata");
  const std::string* text = metadata == nullptr ? nullptr : acme::text_member(*metadata, member);
  return text == nullptr ? std::string() : *text;
}

ObjectName name_of(const nlohmann::json& object) {
  return {metadata_text(object, "namespace"), metadata_text(object, "name")};
}

struct Client::Call {
  std::string method;
  std::string path;
  std::string body = {};
  std::string content_type = "application/json";
  std::string accept = "application/json";
  std::size_t body_limit = largest_object;
  const Stream* stream = nullptr;

  // The server's answer to doing this twice is the same: it may be sent again when nobody knows how it ended.
  [[nodiscard]] bool only_reads() const { return method == "GET"; }
};

// An HttpClient for one exchange; it goes back with its connection.
class Client::Borrowed {
 public:
  explicit Borrowed(Client& owner) : owner_(owner) {
    const std::lock_guard lock(owner_.mutex_);
    if (!owner_.idle_.empty()) {
      http_ = std::move(owner_.idle_.back());
      owner_.idle_.pop_back();
    }
  }
  ~Borrowed() {
    const std::lock_guard lock(owner_.mutex_);
    if (owner_.idle_.size() < most_idle) owner_.idle_.push_back(std::move(http_));
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  base::HttpClient& operator*() { return http_; }

 private:
  Client& owner_;
  base::HttpClient http_;
};

Client::Client(std::shared_ptr<Access> access, Options options)
    : access_(std::move(access)),
      options_(std::move(options)),
      limit_(options_.clock, options_.requests_per_second, options_.burst) {}

base::Result<base::HttpResponse> Client::send_once(const Call& call, const Connection& connection,
                                                   std::chrono::milliseconds left, const std::stop_token& stop) {
  base::HttpRequest request = connection.request(call.path);
  request.method = call.method;
  request.body = call.body;
  request.body_limit = call.body_limit;
  request.timeout = left;
  request.headers.push_back({"Accept", call.accept});
  if (!call.body.empty()) request.headers.push_back({"Content-Type", call.content_type});
  if (call.stream != nullptr) {
    request.timeout = call.stream->timeout;
    request.idle_timeout = call.stream->idle_timeout;
    request.on_body = call.stream->on_bytes;
    request.body_limit = largest_object;
  }
  // What may not be done twice goes over a fresh connection: libcurl sends again by itself what a kept one has lost.
  // The API's preconditions (resourceVersion, names) make that harmless for all but POST.
  if (call.method == "POST") request.connection = base::HttpRequest::Connection::fresh;
  Borrowed http(*this);
  return (*http).send(request, stop);
}

Outcome<base::HttpResponse> Client::send(const Call& call, const std::stop_token& stop) {
  const auto deadline = std::chrono::steady_clock::now() + options_.timeout;
  bool renewed = false;
  bool sent_again = false;
  unsigned waits = 0;
  std::chrono::nanoseconds pause = limit_.take();
  for (;;) {
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(pause);
    pause = {};
    if (std::chrono::steady_clock::now() + wait >= deadline) {
      return failed({base::Code::timeout, "its turn does not come in time", base::Origin::control, base::Retry::later});
    }
    if (wait.count() > 0 && !base::wait_for(wait, stop)) {
      return failed({base::Code::cancelled, "stopped", base::Origin::control, base::Retry::never});
    }
    auto connection = access_->connection(stop);
    if (!connection) return failed(std::move(connection.error()));
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    auto response = send_once(call, *connection, std::max(left, std::chrono::milliseconds(1)), stop);
    if (!response) {
      const bool again = response.error().retry == base::Retry::fresh_connection && call.only_reads() &&
                         call.stream == nullptr && !sent_again;
      if (!again) return failed(std::move(response.error()));
      sent_again = true;
      continue;
    }
    if (response->status / 100 == 2) {
      successes_.fetch_add(1, std::memory_order_relaxed);
      return *std::move(response);
    }
    if (response->status == 401 && !renewed && access_->renew(*connection)) {
      renewed = true;
      continue;
    }
    ApiFailure failure = failure_from(*response);
    // 429 and a 503 that says when: it was not done. A watch has a pace of its own.
    const bool busy = response->status == 429 || (response->status == 503 && failure.retry_after);
    if (!busy || call.stream != nullptr || waits == most_waits) return std::unexpected(std::move(failure));
    ++waits;
    pause = failure.retry_after.value_or(default_wait);
    if (std::chrono::steady_clock::now() + pause >= deadline) return std::unexpected(std::move(failure));
  }
}

// An object that is nested too deep is refused, for it may be written back.
Outcome<nlohmann::json> Client::object_from(const Call& call, const std::stop_token& stop) {
  auto response = send(call, stop);
  const std::string what = fmt::format("{} {}", call.method, call.path);
  if (!response) return std::unexpected(std::move(response.error()).in(what));
  return object_or_failure(base::parse_json(response->body), what);
}

Outcome<nlohmann::json> Client::get(const Resource& resource, const ObjectName& name, std::stop_token stop) {
  return object_from({.method = "GET", .path = object_path(resource, name)}, stop);
}

// The token of the next page; empty: this was the last.
Outcome<std::string> Client::page(const Resource& resource, const std::string& path, Content content, Listed& into,
                                  const std::stop_token& stop) {
  Call call{.method = "GET", .path = path, .body_limit = largest_page};
  if (content == Content::metadata) call.accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
  auto response = send(call, stop);
  const std::string what = "GET " + path;
  if (!response) return std::unexpected(std::move(response.error()).in(what));
  // Whose object is nested too deep must not keep those of others from being seen.
  auto list = object_or_failure(base::parse_json_to_depth(response->body), what);
  if (!list) return std::unexpected(std::move(list.error()));
  if (into.resource_version.empty()) into.resource_version = metadata_text(*list, "resourceVersion");
  const auto items = list->find("items");
  if (items != list->end() && items->is_array()) {
    if (into.items.size() + items->size() > most_objects) {
      return failed({base::Code::too_large, fmt::format("{}: more than {} objects", path, most_objects),
                     base::Origin::upstream, base::Retry::later});
    }
    for (nlohmann::json& item : *items) {
      if (!item.is_object()) continue;
      item["apiVersion"] = resource.api_version();
      item["kind"] = resource.kind;
      into.items.push_back(std::move(item));
    }
  }
  return metadata_text(*list, "continue");
}

Outcome<Listed> Client::list(const Resource& resource, const Selection& selection, std::stop_token stop,
                             Content content) {
  std::string whole = collection_path(resource, selection.name_space);
  if (!selection.labels.empty()) add_query(whole, "labelSelector", selection.labels);
  if (!selection.fields.empty()) add_query(whole, "fieldSelector", selection.fields);
  std::string paged = whole;
  add_query(paged, "limit", std::to_string(page_size));
  Listed listed;
  std::string path = paged;
  bool in_pages = true;
  for (;;) {
    auto next = page(resource, path, content, listed, stop);
    if (!next) {
      if (!next.error().expired() || !in_pages) return std::unexpected(std::move(next.error()));
      // The token that the server offers to go on with leads to the rest as it is now, not as it was at the first page.
      // A watch has to begin from one state: all in one answer, then.
      in_pages = false;
      listed = {};
      path = whole;
      continue;
    }
    if (next->empty()) return listed;
    path = paged;
    add_query(path, "continue", *next);
  }
}

Outcome<nlohmann::json> Client::create(const Resource& resource, const nlohmann::json& object, std::stop_token stop) {
  std::string path = collection_path(resource, metadata_text(object, "namespace"));
  add_query(path, "fieldManager", options_.field_manager);
  return object_from({.method = "POST", .path = std::move(path), .body = base::json_line(object)}, stop);
}

Outcome<nlohmann::json> Client::update(const Resource& resource, const nlohmann::json& object,
                                       std::string_view subresource, std::stop_token stop) {
  std::string path = object_path(resource, name_of(object), subresource);
  add_query(path, "fieldManager", options_.field_manager);
  return object_from({.method = "PUT", .path = std::move(path), .body = base::json_line(object)}, stop);
}

Outcome<nlohmann::json> Client::merge(const Resource& resource, const ObjectName& name, const nlohmann::json& patch,
                                      std::string_view subresource, std::stop_token stop) {
  std::string path = object_path(resource, name, subresource);
  add_query(path, "fieldManager", options_.field_manager);
  return object_from({.method = "PATCH",
                      .path = std::move(path),
                      .body = base::json_line(patch),
                      .content_type = "application/merge-patch+json"},
                     stop);
}

Outcome<nlohmann::json> Client::apply(const Resource& resource, const nlohmann::json& object, Conflict conflict,
                                      std::string_view subresource, std::stop_token stop) {
  std::string path = object_path(resource, name_of(object), subresource);
  add_query(path, "fieldManager", options_.field_manager);
  if (conflict == Conflict::force) add_query(path, "force", "true");
  nlohmann::json applied = object;
  applied["apiVersion"] = resource.api_version();
  applied["kind"] = resource.kind;
  if (applied["metadata"].is_object()) applied["metadata"].erase("managedFields");
  return object_from({.method = "PATCH",
                      .path = std::move(path),
                      .body = base::json_line(applied),
                      .content_type = "application/apply-patch+yaml"},
                     stop);
}

Outcome<void> Client::remove(const Resource& resource, const ObjectName& name, const Precondition& precondition,
                             std::stop_token stop) {
  nlohmann::json options{{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  if (!precondition.uid.empty()) options["preconditions"]["uid"] = precondition.uid;
  if (!precondition.resource_version.empty()) {
    options["preconditions"]["resourceVersion"] = precondition.resource_version;
  }
  const Call call{.method = "DELETE", .path = object_path(resource, name), .body = base::json_line(options)};
  auto response = send(call, stop);
  if (!response) return std::unexpected(std::move(response.error()).in(fmt::format("DELETE {}", call.path)));
  return {};
}

Outcome<void> Client::stream(Stream stream, std::stop_token stop) {
  bool enough = false;
  stream.on_bytes = [&enough, deliver = std::move(stream.on_bytes)](std::string_view bytes) {
    enough = !deliver(bytes);
    return !enough;
  };
  const Call call{.method = "GET", .path = stream.path, .stream = &stream};
  auto response = send(call, stop);
  if (response || enough) return {};
  return std::unexpected(std::move(response.error()).in("GET " + call.path.substr(0, call.path.find('?'))));
}

}  // namespace kube
