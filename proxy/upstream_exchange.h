// UpstreamExchange: one request and its response on the backend's side. Over HTTP/1.1 it has the whole connection, over
// HTTP/2 one stream.
#pragma once

#include <memory>

#include "proxy/body.h"
#include "proxy/message.h"

namespace proxy {

class UpstreamExchange {
 public:
  // Gives the connection back to its pool if it can be used again, else closes it.
  virtual ~UpstreamExchange() = default;

  // Sends the head. The request has been through forward: hop-by-hop fields are gone, authority and target are final.
  // Then, if head.has_body or head.upgrade: the body goes to body_writer(), and finish() ends it.
  virtual void send(const RequestHead& head) = 0;
  [[nodiscard]] virtual BodyWriter& body_writer() = 0;
  // The next response head, if it is there: any number of 1xx, then the final one. False: wait_head(), then again with
  // the same `head`.
  [[nodiscard]] virtual base::Result<bool> poll_head(ResponseHead& head) = 0;
  [[nodiscard]] virtual awaitable<base::Result<void>> wait_head() = 0;
  // The response's body; after an upgrade the raw bytes from the backend.
  [[nodiscard]] virtual BodyReader& body_reader() = 0;

  // Whether any byte of the request may have been processed by the backend. False: safe to send it again elsewhere
  // (connection closed before a byte came back on a reused connection is still true here; REFUSED_STREAM is false).
  [[nodiscard]] virtual bool may_have_been_processed() const = 0;
  // The connection had carried an exchange before this one.
  [[nodiscard]] virtual bool reused() const = 0;
  // Ends all waits with `error`; the connection (or stream) will not be used again.
  virtual void abort(const base::Error& error) = 0;
};

}  // namespace proxy
