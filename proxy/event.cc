#include "proxy/event.h"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace proxy {

void Event::notify() {
  if (!waiter_) {
    notified_ = true;
    return;
  }
  asio::post(io_, std::exchange(waiter_, nullptr));
}

awaitable<void> Event::wait() {
  if (std::exchange(notified_, false)) co_return;
  auto keep = [this](auto handler) { waiter_ = std::move(handler); };
  co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(std::move(keep), use_awaitable);
}

}  // namespace proxy
