// Client: calls to the API, one at a time a thread, from any number of threads. Each waits for its turn (RateLimit),
// has a deadline, brings an answer of bounded size, and is tried again only where the server says that it did nothing.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/http_client.h"
#include "kube/access.h"
#include "kube/api_failure.h"
#include "kube/rate_limit.h"
#include "kube/resource.h"

namespace kube {

// Which objects of a kind.
struct Selection {
  std::string name_space = {};  // empty: all
  std::string labels = {};      // "app.kubernetes.io/managed-by=sekisho"
  std::string fields = {};      // "type=kubernetes.io/tls"
};

struct Listed {
  std::vector<nlohmann::json> items;  // with apiVersion and kind, which the API leaves out in lists
  std::string resource_version;
};

// What an object must still be to be deleted; empty: anything.
struct Precondition {
  std::string uid = {};
  std::string resource_version = {};
};

// Any thread. All calls block; errors beside those of the API: timeout, cancelled, unreachable, tls, closed, protocol.
class Client {
 public:
  struct Options {
    const base::Clock& clock = base::system_clock();
    double requests_per_second = 50;
    unsigned burst = 100;
    std::chrono::milliseconds timeout{30'000};  // of one call, with all its waits; of a list, of each page
    std::string field_manager = "sekisho";
  };
  enum class Content : unsigned char { whole, metadata };  // metadata: the objects without all else
  enum class Conflict : unsigned char { refuse, force };

  explicit Client(std::shared_ptr<Access> access) : Client(std::move(access), Options()) {}
  Client(std::shared_ptr<Access> access, Options options);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] Outcome<nlohmann::json> get(const Resource& resource, const ObjectName& name,
                                            std::stop_token stop = {});
  // All pages; where the server forgets between two of them, all in one answer.
  [[nodiscard]] Outcome<Listed> list(const Resource& resource, const Selection& selection, std::stop_token stop = {},
                                     Content content = Content::whole);
  [[nodiscard]] Outcome<nlohmann::json> create(const Resource& resource, const nlohmann::json& object,
                                               std::stop_token stop = {});
  // As long as metadata.resourceVersion is the server's; conflict() otherwise. `subresource`: "status" or empty.
  [[nodiscard]] Outcome<nlohmann::json> update(const Resource& resource, const nlohmann::json& object,
                                               std::string_view subresource = {}, std::stop_token stop = {});
  // RFC 7396.
  [[nodiscard]] Outcome<nlohmann::json> merge(const Resource& resource, const ObjectName& name,
                                              const nlohmann::json& patch, std::string_view subresource = {},
                                              std::stop_token stop = {});
  // Server-side apply: creates it or makes these fields ours; conflict() where they belong to somebody else.
  [[nodiscard]] Outcome<nlohmann::json> apply(const Resource& resource, const nlohmann::json& object, Conflict conflict,
                                              std::string_view subresource = {}, std::stop_token stop = {});
  // One that is not there is the failure not_found().
  [[nodiscard]] Outcome<void> remove(const Resource& resource, const ObjectName& name,
                                     const Precondition& precondition = {}, std::stop_token stop = {});

  struct Stream {
    std::string path;  // with its query
    std::chrono::milliseconds timeout;
    std::chrono::milliseconds idle_timeout;
    std::function<bool(std::string_view)> on_bytes;  // none at first: it has begun; false: enough, which is no failure
  };
  // Until the server ends it. timeout: it lasted too long, or nothing came for too long.
  [[nodiscard]] Outcome<void> stream(Stream stream, std::stop_token stop);

  [[nodiscard]] std::string own_namespace() const { return access_->own_namespace(); }
  [[nodiscard]] const base::Clock& clock() const noexcept { return options_.clock; }
  // How many calls have succeeded. When it grows, the API is there.
  [[nodiscard]] std::uint64_t successes() const noexcept { return successes_.load(std::memory_order_relaxed); }

 private:
  struct Call;
  class Borrowed;
  [[nodiscard]] Outcome<base::HttpResponse> send(const Call& call, const std::stop_token& stop);
  [[nodiscard]] base::Result<base::HttpResponse> send_once(const Call& call, const Connection& connection,
                                                           std::chrono::milliseconds left, const std::stop_token& stop);
  [[nodiscard]] Outcome<nlohmann::json> object_from(const Call& call, const std::stop_token& stop);
  [[nodiscard]] Outcome<std::string> page(const Resource& resource, const std::string& path, Content content,
                                          Listed& into, const std::stop_token& stop);

  std::shared_ptr<Access> access_;
  Options options_;
  RateLimit limit_;
  std::atomic<std::uint64_t> successes_{0};
  std::mutex mutex_;
  std::vector<base::HttpClient> idle_;  // with their connections
};

[[nodiscard]] ObjectName name_of(const nlohmann::json& object);
// metadata.resourceVersion, metadata.uid …; empty if there is none.
[[nodiscard]] std::string metadata_text(const nlohmann::json& object, std::string_view member);

}  // namespace kube
