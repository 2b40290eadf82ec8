// WatchStream: the body of a watch, as it comes, made into events. One JSON object a line; the pieces in which bytes
// come have nothing to do with lines. Pure; the fuzz target kube_watch_stream feeds it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace kube {

struct WatchEvent {
  enum class Type : std::uint8_t { added, modified, deleted, bookmark, error } type = Type::added;
  nlohmann::json object;  // of an error: a Status
};

class WatchStream {
 public:
  static constexpr std::size_t longest_line = 16U << 20U;

  // Gets each event as it is complete; false: enough. Nothing is delivered after that, or after an error.
  using Deliver = std::function<bool(WatchEvent)>;
  explicit WatchStream(Deliver deliver) : deliver_(std::move(deliver)) {}

  // Whether more is wanted. Errors: too_large (a line), protocol. `bytes` are controlled by the API server.
  [[nodiscard]] base::Result<bool> feed(std::string_view bytes);

 private:
  [[nodiscard]] base::Result<bool> deliver_line(std::string_view line);

  Deliver deliver_;
  std::string line_;  // begun
};

}  // namespace kube
