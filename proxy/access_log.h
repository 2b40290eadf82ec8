// AccessLog: one line a request, written by a thread of its own. A worker only copies the line into a ring; when the
// reader of the log is slow the ring fills, and lines are dropped and counted, never waited for.
#pragma once

#include <memory>
#include <vector>

#include "config/config.h"
#include "proxy/access_line.h"
#include "proxy/stats.h"

namespace proxy {

class AccessLog {
 public:
  // Lines go to `descriptor` (not owned; standard output). One ring of 1 MiB for each worker.
  AccessLog(unsigned workers, int descriptor);
  ~AccessLog();  // writes what is there, for at most a second, and joins
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  // From the thread of that worker only. Never blocks.
  void write(unsigned worker, config::AccessLog format, const AccessRecord& record, WorkerStats& stats);

 private:
  class Ring;
  class Writer;
  std::vector<std::unique_ptr<Ring>> rings_;
  std::unique_ptr<Writer> writer_;
};

}  // namespace proxy
