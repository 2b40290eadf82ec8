// H2UpstreamLink: one HTTP/2 connection to a backend (h2c by prior knowledge, or over TLS) with many exchanges on it.
// Shared by its reading coroutine, its exchanges and the UpstreamConnection that the pool holds: it ends with the last
// of them. The worker's thread only. What the backend sends is bounded like what a client sends.
#pragma once

#include <memory>
#include <vector>

#include "proxy/deadline.h"
#include "proxy/h2_link.h"
#include "proxy/transport.h"
#include "proxy/upstream_connection.h"

namespace proxy {

class H2UpstreamExchange;

class H2UpstreamLink final : public H2Link {
 public:
  H2UpstreamLink(Worker& worker, std::unique_ptr<Transport> transport, PoolNotice notice);
  ~H2UpstreamLink() override;

  // Reads until the connection ends. Holds the link.
  [[nodiscard]] static awaitable<void> run(std::shared_ptr<H2UpstreamLink> self);
  void start();

  [[nodiscard]] bool alive() const noexcept { return !closed_; }
  [[nodiscard]] bool can_begin() const;
  [[nodiscard]] bool over() const;
  [[nodiscard]] std::size_t running() const noexcept { return exchanges_.size(); }
  void close(const base::Error& error);
  // The pool has let go of it: closed as soon as nothing runs on it.
  void release();

  // ---- For its exchanges.
  void enter(H2UpstreamExchange& exchange) { exchanges_.push_back(&exchange); }
  void exit(H2UpstreamExchange& exchange);
  [[nodiscard]] bool carried_one() noexcept { return std::exchange(used_, true); }
  // Before the backend's SETTINGS came it is not known whether it takes an extended CONNECT.
  [[nodiscard]] bool settled() const noexcept { return settled_; }
  [[nodiscard]] std::string_view scheme() const noexcept { return scheme_; }
  void watch();

 private:
  void begin_headers(const nghttp2_frame& frame) override;
  bool take_header(const nghttp2_frame& frame, std::string_view name, std::string_view value) override;
  void begin_frame(const nghttp2_frame_hd&) override {}
  void take_frame(const nghttp2_frame& frame) override;
  void broken_frame() override {}
  void frame_sent(const nghttp2_frame& frame) override;
  void frame_not_sent(const nghttp2_frame& frame, int error) override;
  void stream_closed(std::int32_t id, H2Body* body, std::uint32_t code) override;
  void flushed() override;

  [[nodiscard]] bool read_some(Transport::Read::Kind& kind);
  void check_life();
  void fail_all(const base::Error& error);
  void tell_pool();
  [[nodiscard]] H2UpstreamExchange* find(std::int32_t id);

  std::unique_ptr<Transport> owned_;
  PoolNotice notice_;
  std::string_view scheme_;
  std::vector<H2UpstreamExchange*> exchanges_;
  bool used_ = false;
  bool settled_ = false;
  bool leaving_ = false;  // GOAWAY came
  bool closed_ = false;   // nothing can be sent or read any more
  bool released_ = false;
  bool pinged_ = false;
  bool changed_ = false;  // the pool is to be told after this round
  Deadline life_;
};

}  // namespace proxy
