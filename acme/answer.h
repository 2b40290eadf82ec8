// Answer: what an ACME server replied, with the header fields that RFC 8555 gives a meaning. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acme/failure.h"
#include "base/clock.h"
#include "base/http_client.h"

namespace acme {

struct Answer {
  unsigned status = 0;
  std::string body;
  std::string content_type;                         // lower case, without parameters
  std::string nonce;                                // Replay-Nonce, checked (RFC 8555 §6.5.1); empty: none
  std::string location;                             // a URL of the server; empty: none
  std::vector<std::string> alternates;              // Link rel="alternate", at most 10
  std::string next;                                 // Link rel="next"
  std::optional<base::SystemTime> date;             // by the server's clock
  std::optional<std::chrono::seconds> retry_after;  // 0 s … 31 days

  [[nodiscard]] bool good() const noexcept { return status >= 200 && status <= 299; }
};

// `response` is controlled by the CA.
[[nodiscard]] Answer answer_of(base::HttpResponse response, base::SystemTime now);

// What an answer that is not good() means, with its problem document if it has one.
[[nodiscard]] Failure failure_of(const Answer& answer, base::SystemTime now);

// The URLs of one Link field (RFC 8288 §3) whose relation is `relation`; what is no URL of a server is left out.
[[nodiscard]] std::vector<std::string> linked(std::string_view field, std::string_view relation);

}  // namespace acme
