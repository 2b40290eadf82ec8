// Error: the one error type. A value, never an exception; it gathers context as it rises.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace base {

// What went wrong, coarse enough to switch on.
enum class Code : std::uint8_t {
  invalid,  // input that does not parse or contradicts itself
  not_found,
  refused,      // the other side answered no
  unreachable,  // could not connect, or the name does not resolve
  closed,       // the other side went away in the middle
  timeout,
  too_large,   // a limit of ours was passed
  cancelled,   // drain or shutdown; not a fault
  overloaded,  // a bounded queue is full
  protocol,    // the other side broke its protocol
  tls,         // handshake, verification, alert
  io,          // the operating system said no
  internal,
};

// Whose fault it is.
enum class Origin : std::uint8_t { downstream, upstream, control, internal };

// Whether trying again can help.
enum class Retry : std::uint8_t { never, fresh_connection, later };

struct Error {
  Code code = Code::internal;
  std::string what;  // never holds a secret; may hold text that the other side chose, cut to a bounded length
  Origin origin = Origin::internal;
  Retry retry = Retry::never;

  // The same error with `where` put in front: "order example.com: finalize: badCSR".
  [[nodiscard]] Error in(std::string_view where) &&;
};

template <class T>
using Result = std::expected<T, Error>;

[[nodiscard]] std::unexpected<Error> fail(Code code, std::string what);
[[nodiscard]] std::unexpected<Error> fail(Code code, std::string what, Origin origin, Retry retry = Retry::never);
// From errno: "what: No such file or directory".
[[nodiscard]] std::unexpected<Error> fail_errno(std::string_view what, int error_number);

// Stable lower-case names, used in metrics and logs.
[[nodiscard]] std::string_view to_string(Code code) noexcept;
[[nodiscard]] std::string_view to_string(Origin origin) noexcept;

}  // namespace base
