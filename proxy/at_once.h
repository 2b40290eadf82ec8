// An awaitable that is ready: for functions that are no coroutines because they mostly hand on another's.
#pragma once

#include <utility>

#include "proxy/asio.h"

namespace proxy {

template <class T>
[[nodiscard]] awaitable<T> at_once(T value) {
  co_return std::move(value);
}

[[nodiscard]] inline awaitable<void> at_once() {
  co_return;
}

}  // namespace proxy
