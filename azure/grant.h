// Grant: what an answer of a token endpoint gives. Entra, the metadata service and a token command write it alike.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace azure {

struct Grant {
  std::string token;  // secret
  base::SystemTime expires;
  std::optional<base::SystemTime> refresh;  // when the server wants it to be asked for anew
};

// Of an answer in JSON: "access_token" (the metadata service, Entra) or "accessToken" (az), with "expires_in" or
// "expires_on" as numbers or as text, and perhaps "refresh_in". `text` is controlled by the server, of bounded size.
// Errors (`protocol`) never hold any of it.
[[nodiscard]] base::Result<Grant> grant_from(std::string_view text, base::SystemTime now);

// The same, or a token alone, as programs print it; its end is then what it says of itself, else in five minutes.
[[nodiscard]] base::Result<Grant> grant_from_output(std::string_view text, base::SystemTime now);

// What a JWT says of itself, unverified, each cut and cleaned for people. Empty: it says nothing.
struct Claims {
  std::string issuer;
  std::string subject;
  std::string audience;
  std::optional<base::SystemTime> expires;
};
[[nodiscard]] Claims claims_of(std::string_view jwt);

}  // namespace azure
