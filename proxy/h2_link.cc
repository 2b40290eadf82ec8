#include "proxy/h2_link.h"

#include <boost/asio/post.hpp>

#include "proxy/h2_callbacks.h"
#include "proxy/transport.h"
#include "proxy/worker.h"

namespace proxy {

H2Link::H2Link(Worker& worker, Transport& transport, Side side)
    : quiet(worker.io()),
      worker_(worker),
      transport_(transport),
      session_(make_h2_frames(*this, side)),
      write_deadline_(worker.deadlines(), [this] {
        write_timed_out();
        transport_.cancel({base::Code::timeout, "the peer does not read what it asked for"});
      }) {}

H2Link::~H2Link() = default;

bool H2Link::can_flush() const {
  return !inside_ && !transport_.congested() && !transport_.failed();
}

void H2Link::flush_soon() {
  // On a dead connection nothing is posted: its owner may be gone before that would run.
  if (posted_ || waiting_ || transport_.failed()) return;
  posted_ = true;
  ++busy_;
  asio::post(worker_.io(), [this] {
    posted_ = false;
    flush();
    release();
  });
}

void H2Link::flush() {
  if (inside_) {
    flush_soon();
    return;
  }
  send_frames();
  if (transport_.failed()) {
    // Wakes who reads; a copy, since cancel() takes what error() refers to.
    transport_.cancel(base::Error(transport_.error()));
  } else if (transport_.congested() && !waiting_) {
    waiting_ = true;
    ++busy_;
    worker_.spawn("h2 send", send_rest());
  }
  flushed();
}

void H2Link::send_frames() {
  inside_ = true;
  while (!transport_.congested() && !transport_.failed()) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_.get(), &bytes);
    if (size <= 0) {
      if (size < 0) transport_.cancel({base::Code::protocol, nghttp2_strerror(static_cast<int>(size))});
      break;
    }
    transport_.write({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)});
  }
  transport_.push();
  inside_ = false;
}

awaitable<void> H2Link::send_rest() {
  for (;;) {
    write_deadline_.arm(write_timeout_);
    const base::Result<void> drained = co_await transport_.drain();
    write_deadline_.disarm();
    if (!drained) {
      transport_.cancel(base::Error(drained.error()));
      break;
    }
    send_frames();
    if (!transport_.congested()) break;
  }
  waiting_ = false;
  flushed();
  release();
}

bool H2Link::receive(std::span<const char> bytes) {
  inside_ = true;
  const ssize_t taken =
      nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  inside_ = false;
  too_much_ = taken == NGHTTP2_ERR_FLOODED || taken == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS;
  return taken == static_cast<ssize_t>(bytes.size());
}

void H2Link::release() {
  if (--busy_ == 0) quiet.notify();
}

}  // namespace proxy
