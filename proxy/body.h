// BodyReader and BodyWriter: a message body as it streams, whatever protocol carries it. Reading and writing never
// block; waiting is apart, so that the common case (the bytes are there) costs no coroutine.
#pragma once

#include <cstdint>
#include <span>

#include "base/error.h"
#include "proxy/asio.h"
#include "proxy/header_list.h"

namespace proxy {

struct BodyPiece {
  enum class Kind : std::uint8_t { data, end, blocked, failed };
  Kind kind = Kind::blocked;
  std::span<const char> bytes;  // of data: never empty; valid until the next poll() or co_await of this thread
};

class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // What is there now, at most 64 KiB. Taking a piece gives the sender room for more (back-pressure).
  [[nodiscard]] virtual BodyPiece poll() = 0;
  // After `blocked`: until poll() has something else to say. An error if the body was cut off, or cancelled by a
  // deadline.
  [[nodiscard]] virtual awaitable<base::Result<void>> wait() = 0;
  // After `failed`: why.
  [[nodiscard]] virtual base::Error error() const = 0;
  // After `end`: the trailer fields; may be empty.
  [[nodiscard]] virtual const HeaderList& trailers() const = 0;
};

class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  // Takes all of `bytes` (at most 64 KiB); sends what it can now or holds it until flush. Must not be called again
  // while congested(), so that what it holds stays bounded.
  virtual void write(std::span<const char> bytes) = 0;
  // No more will come. `trailers` may be empty.
  virtual void finish(const HeaderList& trailers) = 0;
  // What was held back to be sent together goes out now. Call before every wait for something else.
  virtual void push() = 0;
  // The other side does not read as fast as this is written.
  [[nodiscard]] virtual bool congested() const = 0;
  // Until no longer congested. An error if the other side is gone, or by a deadline.
  [[nodiscard]] virtual awaitable<base::Result<void>> drain() = 0;
};

}  // namespace proxy
