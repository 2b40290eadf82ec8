// The body of a watch, cut into pieces anywhere: the events are the same however it is cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "kube/watch_stream.h"

namespace {

struct Seen {
  std::vector<nlohmann::json> objects;
  bool good = true;
};

Seen read(std::string_view bytes, std::size_t piece) {
  Seen seen;
  kube::WatchStream stream([&](kube::WatchEvent event) {
    if (!event.object.is_object()) std::abort();
    seen.objects.push_back(std::move(event.object));
    return seen.objects.size() < 100;
  });
  while (!bytes.empty()) {
    const auto wanted = stream.feed(bytes.substr(0, piece));
    if (!wanted) seen.good = false;
    if (!wanted || !*wanted) break;
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const Seen whole = read(bytes, std::max<std::size_t>(bytes.size(), 1));
  const Seen cut = read(bytes, std::size_t{1} + data[0]);
  if (whole.good != cut.good || whole.objects != cut.objects) std::abort();
  return 0;
}
