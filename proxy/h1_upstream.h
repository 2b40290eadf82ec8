// H1Upstream: an HTTP/1.1 connection to a backend, one exchange at a time.
#pragma once

#include <chrono>
#include <memory>

#include "proxy/h1_reader.h"
#include "proxy/h1_writer.h"
#include "proxy/stats.h"
#include "proxy/upstream_exchange.h"

namespace proxy {

class H1Upstream final : public UpstreamExchange {
 public:
  using Time = std::chrono::steady_clock::time_point;

  H1Upstream(Worker& worker, std::unique_ptr<Transport> transport, ConnectionCount count);

  void send(const RequestHead& head) override;
  [[nodiscard]] BodyWriter& body_writer() override { return writer_; }
  [[nodiscard]] base::Result<bool> poll_head(ResponseHead& head) override;
  [[nodiscard]] awaitable<base::Result<void>> wait_head() override { return reader_.wait(); }
  [[nodiscard]] BodyReader& body_reader() override { return reader_; }
  [[nodiscard]] bool may_have_been_processed() const override { return sent_; }
  [[nodiscard]] bool reused() const override { return exchanges_ > 1; }
  void abort(const base::Error& error) override;

  // The exchange has ended well, on both sides, and the backend lets the connection live.
  [[nodiscard]] bool reusable() const;
  // The backend has closed it, or sent what nobody asked for (one system call).
  [[nodiscard]] bool stale() { return !transport_->quiet(); }
  Time idle_since{};

 private:
  Worker& worker_;
  ConnectionCount count_;
  std::unique_ptr<Transport> transport_;
  H1Reader<false> reader_;
  H1BodyWriter writer_;
  unsigned exchanges_ = 0;
  bool sent_ = false;
  bool head_request_ = false;
  bool wants_upgrade_ = false;
  bool upgraded_ = false;
  bool expecting_ = false;  // a head has been begun
  bool final_head_ = false;
};

}  // namespace proxy
