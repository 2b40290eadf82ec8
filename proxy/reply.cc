#include "proxy/reply.h"

#include <ctime>

#include <fmt/chrono.h>

#include "proxy/forwarded.h"
#include "proxy/h1_writer.h"

namespace proxy {

std::string_view http_date() {
  thread_local std::time_t made_at = 0;
  thread_local std::string text;
  // A few milliseconds late and a third of the price.
  std::timespec coarse{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &coarse);
  const std::time_t now = coarse.tv_sec;
  if (now != made_at) {
    made_at = now;
    text = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(now));
  }
  return text;
}

std::size_t reply(Exchange& exchange, const Reply& wanted, ResponseHead& head) {
  head.clear();
  head.status = wanted.status;
  std::string explanation;
  std::string_view body = wanted.body;
  if (body.empty() && wanted.status >= 400) {
    explanation = std::to_string(wanted.status) + " " + std::string(reason_phrase(wanted.status)) + "\n";
    body = explanation;
  }
  head.headers.add(http::field::date, http_date());
  if (!body.empty()) head.headers.add(http::field::content_type, wanted.content_type);
  if (!wanted.location.empty()) head.headers.add(http::field::location, wanted.location);
  if (wanted.retry_after > 0) head.headers.add(http::field::retry_after, std::to_string(wanted.retry_after));
  head.headers.add(
      http::field::unknown, "x-request-id",
      wanted.request_id.empty() ? apply_request_id(exchange.request().headers) : std::string(wanted.request_id));
  if (wanted.changes != nullptr) apply_changes(head.headers, *wanted.changes);
  const bool allowed = exchange.request().verb != http::verb::head && wanted.status != 204 && wanted.status != 304;
  head.content_length = body.size();
  head.has_body = allowed && !body.empty();
  BodyWriter& writer = exchange.respond(head);
  if (head.has_body) writer.write(body);
  writer.finish({});
  writer.push();
  return head.has_body ? body.size() : 0;
}

}  // namespace proxy
