// Forwarding: the life of one request, from its head to its line in the access log. The phases, in order:
//
//   challenge? -> route -> redirect? fixed answer? -> prepare -> acquire -> send -> (request body | response head) ->
//   relay -> finish -> log
//
// with one retry from `acquire` where that is safe. Held by the session for as long as run() runs; that worker's thread
// only. Never fails: an exchange always ends answered or aborted.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "proxy/deadline.h"
#include "proxy/event.h"
#include "proxy/exchange.h"
#include "proxy/reply.h"
#include "proxy/snapshot.h"
#include "proxy/upstreams.h"
#include "proxy/worker.h"

namespace proxy {

class Forwarding {
 public:
  // Takes the request up to where a backend is needed. Null: it needed none, is answered and logged; that a coroutine
  // is not made for it is a fifth of its price.
  [[nodiscard]] static std::unique_ptr<Forwarding> begin(Worker& worker, Exchange& exchange);
  ~Forwarding();
  Forwarding(const Forwarding&) = delete;
  Forwarding& operator=(const Forwarding&) = delete;

  // The rest: to the backend, back, and the log.
  [[nodiscard]] awaitable<void> run();

 private:
  Forwarding(Worker& worker, Exchange& exchange);

  using Time = std::chrono::steady_clock::time_point;
  enum class Step { done, retry };
  // How far a response's body came: to its end, to where it has to wait, until it was given up by us, or by the
  // backend.
  enum class Relayed { whole, blocked, cut, broken };
  // Which of its deadlines ended the exchange.
  enum class Late { no, first_byte, idle, whole, request_body, client_write };

  // ---- forwarding.cc: routes and answers of our own
  [[nodiscard]] bool answer_here();
  [[nodiscard]] bool answer_challenge();
  [[nodiscard]] bool misdirected() const;
  void redirect_to_https();
  void identify();
  void reply_here(Reply wanted);
  void answer(unsigned status, unsigned retry_after = 0);
  void prepare();
  void log_and_count();
  [[nodiscard]] bool logged() const { return snapshot_->config->access_log != config::AccessLog::off; }

  // ---- forwarding_backend.cc: to the backend and back
  [[nodiscard]] awaitable<Step> exchange_once();
  [[nodiscard]] base::Result<bool> poll_final_head();
  void set_affinity_cookie();
  [[nodiscard]] Relayed relay_what_is_there();
  [[nodiscard]] awaitable<void> relay_rest(Relayed relayed);
  [[nodiscard]] awaitable<void> tunnel();
  [[nodiscard]] awaitable<void> flush_client();
  [[nodiscard]] bool may_retry(const base::Error& error);
  [[nodiscard]] bool was_not_taken(const base::Error& error) const;
  void fail(const base::Error& error);
  void note_upstream_failure(const base::Error& error);

  // ---- forwarding_body.cc: the request's body, beside the response
  void start_request_body();
  // Moves what is there. False: it has to wait, or the body has ended (body_ended_).
  void pump_what_is_there();
  void take_piece(std::span<const char> bytes);
  void finish_request_body();
  [[nodiscard]] awaitable<void> pump_request_body();
  [[nodiscard]] awaitable<void> join_request_body();
  void expired(Late which);

  Worker& worker_;
  Exchange& exchange_;
  const SnapshotPtr snapshot_;
  const Time begun_;
  const std::chrono::system_clock::time_point wall_begun_;
  const CompiledRoute* route_ = nullptr;  // owned by the snapshot
  std::shared_ptr<BackendPool> pool_;
  Attempts attempts_;
  UpstreamLease lease_;
  ResponseHead response_;
  unsigned informational_ = 0;    // heads before the final one
  BodyWriter* writer_ = nullptr;  // once the response has begun
  base::IpAddress client_;
  std::string request_id_;
  std::string host_, target_;  // as the client sent them, for the log

  Deadline response_deadline_, body_deadline_, whole_deadline_, watch_;
  Late late_ = Late::no;
  bool client_gone_ = false;

  bool body_started_ = false, body_ended_ = false, body_too_large_ = false, pumping_ = false, stop_pump_ = false;
  bool backend_refuses_body_ = false;
  std::uint64_t body_limit_ = 0;  // 0: none
  std::string replay_;            // the beginning of an idempotent request's body
  bool replayable_ = false;
  Event pump_ended_;

  unsigned status_ = 0;
  std::uint64_t bytes_in_ = 0, bytes_out_ = 0;
  std::chrono::nanoseconds connect_time_{}, first_byte_time_{};
  const char* outcome_ = "ok";
};

}  // namespace proxy
