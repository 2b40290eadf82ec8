#include "kube/watch_stream.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "acme/json_fields.h"
#include "base/json.h"

namespace kube {
namespace {

std::optional<WatchEvent::Type> type_of(std::string_view name) {
  using enum WatchEvent::Type;
  if (name == "ADDED") return added;
  if (name == "MODIFIED") return modified;
  if (name == "DELETED") return deleted;
  if (name == "BOOKMARK") return bookmark;
  if (name == "ERROR") return error;
  return std::nullopt;
}

std::unexpected<base::Error> broken(const char* what) {
  return base::fail(base::Code::protocol, what, base::Origin::upstream, base::Retry::later);
}

}  // namespace

base::Result<bool> WatchStream::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (line_.size() + part.size() > longest_line) {
      return base::fail(base::Code::too_large, "an event of the watch is too large", base::Origin::upstream,
                        base::Retry::later);
    }
    if (end == std::string_view::npos) {
      line_.append(part);
      return true;
    }
    bytes.remove_prefix(end + 1);
    base::Result<bool> wanted = true;
    if (line_.empty()) {
      wanted = deliver_line(part);
    } else {
      line_.append(part);
      wanted = deliver_line(line_);
      line_.clear();
    }
    if (!wanted || !*wanted) return wanted;
  }
  return true;
}

base::Result<bool> WatchStream::deliver_line(std::string_view line) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return true;
  // One stranger's object must not end the watch of all.
  nlohmann::json event = base::parse_json_to_depth(line);
  if (!event.is_object()) return broken("an event of the watch is no JSON object");
  const std::string* name = acme::text_member(event, "type");
  const auto type = name == nullptr ? std::nullopt : type_of(*name);
  if (!type) return broken("an event of the watch is of no known type");
  const auto object = event.find("object");
  if (object == event.end() || !object->is_object()) return broken("an event of the watch has no object");
  return deliver_(WatchEvent{*type, std::move(*object)});
}

}  // namespace kube
