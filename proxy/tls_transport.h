// TlsTransport: a Transport through OpenSSL, for either side. OpenSSL reads straight from the socket and writes into
// the worker's wire buffer, so that all records of one write leave in one system call.
#pragma once

#include "base/openssl.h"
#include "proxy/deadline.h"
#include "proxy/transport.h"

namespace proxy {

class TlsTransport final : public Transport {
 public:
  // `ssl` is in accept or connect state, configured, without BIOs.
  TlsTransport(Worker& worker, tcp::socket socket, base::SslPtr ssl, Counter* received, Counter* sent);
  ~TlsTransport() override;

  // Errors: tls (what OpenSSL or the peer's alert said), closed, or what cancel() gave.
  [[nodiscard]] awaitable<base::Result<void>> handshake();

  [[nodiscard]] Read read(std::span<char> into) override;
  void close_write() override;
  [[nodiscard]] SSL* ssl() noexcept { return ssl_.get(); }
  // The reason code of the newest OpenSSL error of a failed handshake; 0: none.
  [[nodiscard]] int failure_reason() const noexcept { return failure_reason_; }

 private:
  static const BIO_METHOD* bio_method();
  static int bio_read(BIO* bio, char* into, int size) noexcept;
  static int bio_write(BIO* bio, const char* bytes, int size) noexcept;
  static long bio_control(BIO* bio, int command, long number, void* pointer) noexcept;

  void seal(std::span<const char> bytes) override;
  void send_records();
  void hold_tickets();
  struct Explanation {
    Read::Kind kind;
    base::Error error;  // of failed
  };
  // After an SSL_ call that did not succeed: why, and what follows from it.
  [[nodiscard]] Explanation explain(int result);
  Read::Kind settle(int result);

  base::SslPtr ssl_;
  // Sealed, not sent yet.
  struct Tickets {
    std::string bytes;
    Deadline due;
  };
  std::unique_ptr<Tickets> tickets_;
  int failure_reason_ = 0;
  bool closing_ = false;
  bool held_ = false;  // records wait in the wire buffer for those that follow
};

}  // namespace proxy
