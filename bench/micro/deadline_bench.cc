// What a deadline costs that is armed and disarmed and does not expire: docs/adr/0005.
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "proxy/asio.h"
#include "proxy/deadline.h"

namespace {

constexpr std::chrono::seconds idle{75};

// `range(0)` connections, each of which waits with a deadline; one after the other is armed anew, as at each request.
void wheel(benchmark::State& state) {
  proxy::Deadlines deadlines;
  std::vector<std::unique_ptr<proxy::Deadline>> all;
  for (int i = 0; i < state.range(0); ++i) {
    all.push_back(std::make_unique<proxy::Deadline>(deadlines, [] {}));
    all.back()->arm(idle);
  }
  std::size_t next = 0;
  for (auto _ : state) {
    next = (next + 1) % all.size();
    all[next]->disarm();
    all[next]->arm(idle);
  }
}
BENCHMARK(wheel)->Arg(100)->Arg(10'000);

void timers(benchmark::State& state) {
  proxy::asio::io_context io(1);
  std::vector<std::unique_ptr<proxy::asio::steady_timer>> all;
  const auto ended = [](const proxy::error_code&) {};
  for (int i = 0; i < state.range(0); ++i) {
    all.push_back(std::make_unique<proxy::asio::steady_timer>(io, idle));
    all.back()->async_wait(ended);
  }
  std::size_t next = 0;
  for (auto _ : state) {
    next = (next + 1) % all.size();
    all[next]->expires_after(idle);  // cancels the wait; its handler runs from the loop
    all[next]->async_wait(ended);
    io.poll();
  }
}
BENCHMARK(timers)->Arg(100)->Arg(10'000);

// The hand going once round with nothing due: what the worker's timer costs.
void idle_ticks(benchmark::State& state) {
  proxy::Deadlines deadlines;
  std::vector<std::unique_ptr<proxy::Deadline>> all;
  for (int i = 0; i < 10'000; ++i) {
    all.push_back(std::make_unique<proxy::Deadline>(deadlines, [] {}));
    all.back()->arm(std::chrono::hours(24));
  }
  auto now = std::chrono::steady_clock::now();
  for (auto _ : state) deadlines.advance(now += proxy::Deadlines::tick);
}
BENCHMARK(idle_ticks);

}  // namespace
