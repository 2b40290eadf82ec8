// Signals become events, on a thread of their own, so that nothing of ours runs inside a signal handler.
#pragma once

#include <thread>

#include "app/event_queue.h"

namespace app {

// Blocks the signals that SignalThread takes, for this thread and all that it starts, and ignores SIGPIPE. Call it
// before any thread starts.
void block_signals();

class SignalThread {
 public:
  // SIGTERM and SIGINT: Event::stop; the second one ends the process at once with exit code 1, unless the
  // drain has finished already. SIGHUP: Event::reload.
  explicit SignalThread(EventQueue& events);
  ~SignalThread();
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  void run();

  EventQueue& events_;
  int signals_ = -1;  // signalfd
  int stop_ = -1;     // eventfd
  std::thread thread_;
};

}  // namespace app
