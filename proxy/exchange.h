// Exchange: one request and its response on the client's side. Made by a session (proxy/h1_session, proxy/h2_session),
// used up by Forwarding (proxy/forwarding.h), which is the same for both protocols.
#pragma once

#include "proxy/body.h"
#include "proxy/connection_facts.h"
#include "proxy/message.h"

namespace proxy {

class Exchange {
 public:
  virtual ~Exchange() = default;

  [[nodiscard]] virtual RequestHead& request() = 0;
  [[nodiscard]] virtual const ConnectionFacts& connection() const = 0;
  // The request's body; after an upgrade the raw bytes from the client.
  [[nodiscard]] virtual BodyReader& body() = 0;

  // Nobody wants more of the body: ends a wait() for it with an error. What still comes is thrown away by the session.
  virtual void stop_body() = 0;

  // A 1xx other than 101. Sent at once.
  virtual void send_informational(const ResponseHead& head) = 0;
  // Begins the final response; may be called once. The body (raw bytes after an upgrade: status 101 here, which HTTP/2
  // sends as 200) goes to the writer, which lives as long as the exchange. Without a body, finish() must still be
  // called.
  virtual BodyWriter& respond(const ResponseHead& head) = 0;
  // The response cannot be completed: RST_STREAM, or the connection is closed. Ends all waits of this exchange with
  // `error`.
  virtual void abort(const base::Error& error) = 0;
  // The client went away, or reset the stream: nobody waits for the response any more.
  [[nodiscard]] virtual bool gone() const = 0;
};

}  // namespace proxy
