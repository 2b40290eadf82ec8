// AccessLog: one line a request, written by a thread of its own. A worker only copies the line into a ring; when the reader
// of the log is slow the ring fills, and lines are dropped and counted, never waited for.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "proxy/stats.h"

namespace proxy {

// Views must be valid during the call only. Durations are zero where the phase did not happen.
struct AccessRecord {
  std::chrono::system_clock::time_point at;
  std::string_view request_id, client, method, host, target, protocol;  // protocol: "HTTP/1.1", "HTTP/2"
  std::string_view route, backend, endpoint;
  unsigned status = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;  // bodies
  std::chrono::nanoseconds connect{}, first_byte{}, total{};  // since the request's head was read
  std::string_view tls_version, server_name;
  bool tls_resumed = false;
  unsigned attempts = 0;
  std::string_view outcome;  // "ok", "client_gone", "upstream_timeout", ...: base::Code or what forward says
  std::string_view user_agent, referer;
  std::uint64_t generation = 0;
};

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

// The line without its newline; always valid JSON (invalid UTF-8 is replaced), appended to `out`.
void append_json(std::string& out, const AccessRecord& record);
void append_text(std::string& out, const AccessRecord& record);

}  // namespace proxy
