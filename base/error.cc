#include "base/error.h"

#include <cerrno>
#include <system_error>
#include <utility>

namespace base {

Error Error::in(std::string_view where) && {
  std::string longer;
  longer.reserve(where.size() + 2 + what.size());
  longer.append(where).append(": ").append(what);
  what = std::move(longer);
  return std::move(*this);
}

std::unexpected<Error> fail(Code code, std::string what) {
  return std::unexpected(Error{code, std::move(what)});
}

std::unexpected<Error> fail(Code code, std::string what, Origin origin, Retry retry) {
  return std::unexpected(Error{code, std::move(what), origin, retry});
}

std::unexpected<Error> fail_errno(std::string_view what, int error_number) {
  const Code code = error_number == ENOENT ? Code::not_found : Code::io;
  return std::unexpected(Error{code, std::string(what) + ": " + std::generic_category().message(error_number)});
}

std::string_view to_string(Code code) noexcept {
  switch (code) {
    case Code::invalid:
      return "invalid";
    case Code::not_found:
      return "not_found";
    case Code::refused:
      return "refused";
    case Code::unreachable:
      return "unreachable";
    case Code::closed:
      return "closed";
    case Code::timeout:
      return "timeout";
    case Code::too_large:
      return "too_large";
    case Code::cancelled:
      return "cancelled";
    case Code::overloaded:
      return "overloaded";
    case Code::protocol:
      return "protocol";
    case Code::tls:
      return "tls";
    case Code::io:
      return "io";
    case Code::internal:
      return "internal";
  }
  return "internal";
}

std::string_view to_string(Origin origin) noexcept {
  switch (origin) {
    case Origin::downstream:
      return "downstream";
    case Origin::upstream:
      return "upstream";
    case Origin::control:
      return "control";
    case Origin::internal:
      return "internal";
  }
  return "internal";
}

}  // namespace base
