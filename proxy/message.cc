#include "proxy/message.h"

#include <utility>

namespace proxy {
namespace {

// What they keep is bounded: by their number, and by the room of each (bytes), which a backend may have made large.
constexpr std::size_t most_spare = 64;
constexpr std::size_t most_room = 4096;

}  // namespace

void RequestHead::clear() {
  verb = http::verb::unknown;
  method.clear();
  authority.clear();
  target.clear();
  upgrade.clear();
  version = HttpVersion::http11;
  has_body = false;
  content_length.reset();
  expects_continue = false;
  headers.clear();
}

std::string_view RequestHead::host() const noexcept {
  std::string_view text = authority;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    return close == std::string_view::npos ? text : text.substr(1, close - 1);
  }
  return text.substr(0, text.find(':'));
}

std::string_view RequestHead::path() const noexcept {
  return std::string_view(target).substr(0, target.find('?'));
}

void ResponseHead::clear() {
  status = 0;
  has_body = true;
  content_length.reset();
  headers.clear();
  upgrade.clear();
}

SpareHeads::SpareHeads() {
  heads_.reserve(most_spare);
}

ResponseHead SpareHeads::take() {
  if (heads_.empty()) return {};
  ResponseHead head = std::move(heads_.back());
  heads_.pop_back();
  return head;
}

void SpareHeads::give_back(ResponseHead head) noexcept {
  if (heads_.size() == most_spare || head.headers.room() > most_room) return;
  head.clear();
  heads_.push_back(std::move(head));
}

}  // namespace proxy
