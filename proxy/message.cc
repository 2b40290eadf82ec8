#include "proxy/message.h"

namespace proxy {

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

}  // namespace proxy
