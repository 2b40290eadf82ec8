// Points in time as protocols write them: RFC 3339 and the dates of HTTP.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace base {

// RFC 3339 §5.6: "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.678+01:00". A leap second counts as the second before it;
// years that nanoseconds in 64 bits cannot hold are cut to the last that they can. `text` may be attacker controlled.
[[nodiscard]] std::optional<SystemTime> parse_rfc3339(std::string_view text);
// "2026-01-02T03:04:05Z": whole seconds, rounded down.
[[nodiscard]] std::string to_rfc3339(SystemTime time);

// RFC 9110 §5.6.7, all three forms: "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT" (a year that
// would be more than 50 years after `now` is of the century before), "Sun Nov  6 08:49:37 1994". The name of the day is
// not compared with the date. `text` may be attacker controlled.
[[nodiscard]] std::optional<SystemTime> parse_http_date(std::string_view text, SystemTime now);

}  // namespace base
