#include "proxy/event.h"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "proxy/at_once.h"

namespace proxy {

void Event::notify() {
  if (!waiter_) {
    notified_ = true;
    return;
  }
  asio::post(io_, std::exchange(waiter_, nullptr));
}

// Not a coroutine itself: one frame less for every wait.
awaitable<void> Event::wait() {
  if (std::exchange(notified_, false)) return at_once();
  auto keep = [this](auto handler) { waiter_ = std::move(handler); };
  return asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(std::move(keep), use_awaitable);
}

}  // namespace proxy
