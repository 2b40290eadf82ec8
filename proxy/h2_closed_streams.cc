#include "proxy/h2_closed_streams.h"

#include <algorithm>

namespace proxy {

void H2ClosedStreams::add(std::int32_t id, How how) noexcept {
  // RST_STREAM of ours comes first, and then the end of the stream that it makes.
  const Entry& newest = entries_[(next_ + entries_.size() - 1) % entries_.size()];
  if (newest.id == id) return;
  Entry& entry = entries_[next_];
  forgotten_ = std::max(forgotten_, entry.id);
  entry = {id, how};
  next_ = (next_ + 1) % entries_.size();
}

H2ClosedStreams::How H2ClosedStreams::find(std::int32_t id) const noexcept {
  const auto found = std::ranges::find(entries_, id, &Entry::id);
  if (found != entries_.end()) return found->how;
  return id <= forgotten_ ? How::unknown : How::never_opened;
}

}  // namespace proxy
