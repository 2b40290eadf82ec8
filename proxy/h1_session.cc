#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/ascii.h"
#include "proxy/deadline.h"
#include "proxy/exchange.h"
#include "proxy/forwarding.h"
#include "proxy/h1_reader.h"
#include "proxy/h1_writer.h"
#include "proxy/reply.h"
#include "proxy/request_target.h"
#include "proxy/session.h"
#include "proxy/worker.h"

namespace proxy {
namespace {

// What is read and thrown away so that a client which still sends gets to see our answer.
constexpr std::size_t most_discarded = 256 << 10;
constexpr std::chrono::milliseconds linger_time{2000};
// Requests between two turns of the loop: a client that sends them faster than they are answered never has to be waited
// for, and must not have the worker for itself.
constexpr unsigned most_in_a_row = 32;

// RFC 9112 §3.3: without Host the server chooses the authority: the name that the client has asked for in its
// handshake, else the address that it connected to. What is sent on has to have a Host (§3.2), and backends refuse an
// empty one.
std::string default_authority(const ConnectionFacts& connection) {
  return connection.server_name.empty() ? connection.local.to_host() : connection.server_name;
}

// One HTTP/1 connection: its requests in order, each an exchange. Lives in the frame of serve_h1.
class H1Session final : public Exchange {
 public:
  explicit H1Session(SessionContext& context)
      : context_(context),
        worker_(context.worker),
        transport_(context.transport),
        reader_(worker_, transport_),
        writer_(transport_),
        deadline_(worker_.deadlines(), [this] { on_deadline(); }) {}

  [[nodiscard]] awaitable<SessionEnd> run();

  [[nodiscard]] RequestHead& request() override { return head_; }
  [[nodiscard]] const ConnectionFacts& connection() const override { return context_.facts; }
  [[nodiscard]] BodyReader& body() override { return reader_; }
  void stop_body() override { transport_.interrupt(); }
  void send_informational(const ResponseHead& head) override;
  BodyWriter& respond(const ResponseHead& head) override;
  void abort(const base::Error& error) override { transport_.cancel(error); }
  [[nodiscard]] bool gone() const override { return transport_.peer_gone(); }

 private:
  using HeadState = H1Reader<true>::HeadState;
  enum class Waiting { nothing, first_byte, head, written };

  void expect_head();
  [[nodiscard]] HeadState poll_head();
  [[nodiscard]] unsigned complaint(HeadState state);
  void begin_exchange();
  [[nodiscard]] bool response_complete();
  [[nodiscard]] bool skip_body();
  [[nodiscard]] awaitable<void> refuse(unsigned status);
  [[nodiscard]] awaitable<void> linger();
  [[nodiscard]] awaitable<bool> flush();
  void understand_upgrade();
  void begin_body(std::string& text, const ResponseHead& head);
  void on_deadline();
  [[nodiscard]] std::chrono::milliseconds idle_time() const { return worker_.snapshot()->config->timeouts.idle; }
  void count(Violation violation) { worker_.stats().violations[static_cast<std::size_t>(violation)].add(); }

  SessionContext& context_;
  Worker& worker_;
  Transport& transport_;
  H1Reader<true> reader_;
  H1BodyWriter writer_;
  RequestHead head_;
  Deadline deadline_;
  Waiting waiting_ = Waiting::nothing;
  bool late_ = false;
  bool responded_ = false;
  bool closing_ = false;  // this response is the last one
  bool idle_ = false;     // nothing came for as long as it is worth waiting here
};

void H1Session::on_deadline() {
  late_ = true;
  // A client that does not read cannot be told anything.
  idle_ = waiting_ == Waiting::first_byte && !context_.draining && park_after < idle_time();
  if (waiting_ == Waiting::written) {
    count(Violation::write_timeout);
    transport_.cancel({base::Code::timeout, "the client does not read", base::Origin::downstream});
  } else {
    if (waiting_ == Waiting::first_byte && !idle_ && !context_.draining) count(Violation::idle_timeout);
    transport_.interrupt();
  }
}

// In one coroutine, because a connection that does nothing keeps the frames of all that wait.
awaitable<SessionEnd> H1Session::run() {
  context_.on_drain = [this] {
    if (waiting_ == Waiting::first_byte) deadline_.arm(last_request_time);
  };
  for (;;) {
    expect_head();
    HeadState state = poll_head();
    while (state == HeadState::blocked) {
      const auto ready = co_await reader_.wait();
      if (!ready) break;
      state = poll_head();
    }
    if (state == HeadState::blocked && idle_ && !reader_.begun() && !transport_.cut()) {
      context_.on_drain = nullptr;
      co_return SessionEnd::idle;
    }
    if (state != HeadState::complete) {
      if (const unsigned status = complaint(state); status != 0) co_await refuse(status);
      break;
    }
    begin_exchange();
    const bool old = head_.version == HttpVersion::http10;
    if (const auto good = normalize_target(head_, old ? default_authority(context_.facts) : std::string()); !good) {
      co_await refuse(400);
      break;
    }
    understand_upgrade();
    if (const auto rest = Forwarding::begin(worker_, *this)) co_await rest->run();
    if (!response_complete()) break;
    transport_.push();
    if (transport_.congested() && !co_await flush()) break;
    if (!skip_body()) {
      co_await linger();
      break;
    }
    if (closing_) break;
    if (context_.served % most_in_a_row == 0) co_await asio::post(worker_.io(), use_awaitable);
  }
  context_.on_drain = nullptr;
  transport_.close_write();
  if (transport_.congested()) (void)co_await flush();
  co_return SessionEnd::closed;
}

void H1Session::expect_head() {
  const config::Config& config = *worker_.snapshot()->config;
  reader_.expect(head_, {config.limits.header_count, config.limits.header_size.value, config.limits.uri_length.value});
  waiting_ = reader_.begun() ? Waiting::head : Waiting::first_byte;
  deadline_.arm(reader_.begun()     ? config.timeouts.header
                : context_.draining ? last_request_time
                                    : std::min(park_after, idle_time()));
  late_ = false;
  idle_ = false;
}

H1Session::HeadState H1Session::poll_head() {
  const HeadState state = reader_.poll_head();
  if (state == HeadState::blocked && waiting_ == Waiting::first_byte && reader_.begun()) {
    waiting_ = Waiting::head;
    deadline_.arm(worker_.snapshot()->config->timeouts.header);
  }
  return state;
}

// Of a head that did not come whole: the status that the client is told, 0 if nothing can be told.
unsigned H1Session::complaint(HeadState state) {
  if (state == HeadState::failed) return reader_.status();
  if (state != HeadState::blocked || !late_ || waiting_ != Waiting::head) return 0;
  count(Violation::header_timeout);
  return 408;
}

void H1Session::begin_exchange() {
  deadline_.disarm();
  waiting_ = Waiting::nothing;
  ++context_.served;
  responded_ = false;
  closing_ = !reader_.keep_alive();
}

// False: the end of the connection is its end.
bool H1Session::response_complete() {
  if (transport_.cut() || !responded_) return false;
  if (!writer_.raw() && writer_.complete()) return true;
  // An upgrade that has ended, or a response that was cut.
  if (!writer_.complete()) transport_.cancel({base::Code::closed, "the response was not completed"});
  return false;
}

// What is left of the request's body and is here already costs little to skip. False: there is more.
bool H1Session::skip_body() {
  std::size_t discarded = 0;
  while (!reader_.complete() && discarded < most_discarded) {
    const BodyPiece piece = reader_.poll();
    if (piece.kind != BodyPiece::Kind::data) break;
    discarded += piece.bytes.size();
  }
  return reader_.complete();
}

void H1Session::understand_upgrade() {
  head_.expects_continue = head_.version == HttpVersion::http11 &&
                           iequals(head_.headers.find(http::field::expect).value_or(""), "100-continue");
  if (head_.expects_continue) head_.headers.remove(http::field::expect);
  // RFC 9110 §7.8: a request with content, or in HTTP/1.0, is not upgraded here; h2c is not offered by Upgrade.
  if (!reader_.upgrade() || head_.has_body || head_.version == HttpVersion::http10) return;
  const auto token = head_.headers.find(http::field::upgrade);
  if (!token || !is_acceptable_upgrade(*token)) return;
  head_.upgrade.assign(*token);
  base::make_lower(head_.upgrade);
}

void H1Session::send_informational(const ResponseHead& head) {
  if (head_.version == HttpVersion::http10) return;
  std::string& text = worker_.text_buffer();
  text.append("HTTP/1.1 ");
  append_number(text, head.status);
  text.append(" ").append(reason_phrase(head.status)).append("\r\n");
  append_fields(text, head.headers);
  text.append("\r\n");
  transport_.write(text);
  transport_.push();
}

void H1Session::begin_body(std::string& text, const ResponseHead& head) {
  using Framing = H1BodyWriter::Framing;
  if (head.status == 101) {
    append_field(text, "connection", "upgrade");
    append_field(text, "upgrade", head.upgrade);
    reader_.become_raw();
    writer_.begin(Framing::raw);
    return;
  }
  const bool no_content = head.status == 204 || head_.verb == http::verb::head || head.status == 304;
  const auto limit = worker_.snapshot()->config->limits.requests_per_connection;
  closing_ = closing_ || context_.draining || (limit != 0 && context_.served >= limit);
  if (head.status != 204 && (head.content_length || (!head.has_body && !no_content))) {
    text.append("content-length: ");
    append_number(text, head.content_length.value_or(0));
    text.append("\r\n");
  }
  const bool raw = !no_content && head.has_body && !head.content_length && head_.version == HttpVersion::http10;
  closing_ = closing_ || raw;
  // While the request still comes, the end has to wait for it (linger).
  const bool last = closing_ && reader_.complete();
  if (no_content || !head.has_body) {
    writer_.begin(Framing::none, 0, last);
  } else if (head.content_length) {
    writer_.begin(Framing::length, *head.content_length, last);
  } else if (raw) {
    writer_.begin(Framing::raw);
  } else {
    text.append("transfer-encoding: chunked\r\n");
    writer_.begin(Framing::chunked, 0, last);
  }
  if (closing_) {
    text.append("connection: close\r\n");
  } else if (head_.version == HttpVersion::http10) {
    text.append("connection: keep-alive\r\n");
  }
}

BodyWriter& H1Session::respond(const ResponseHead& head) {
  responded_ = true;
  std::string& text = worker_.text_buffer();
  text.append("HTTP/1.1 ");
  append_number(text, head.status);
  text.append(" ").append(reason_phrase(head.status)).append("\r\n");
  append_fields(text, head.headers);
  begin_body(text, head);
  text.append("\r\n");
  transport_.write(text);
  return writer_;
}

awaitable<bool> H1Session::flush() {
  transport_.push();
  if (!transport_.congested()) co_return !transport_.cut();
  waiting_ = Waiting::written;
  deadline_.arm(worker_.snapshot()->config->timeouts.write);
  const auto drained = co_await transport_.drain();
  deadline_.disarm();
  waiting_ = Waiting::nothing;
  co_return drained.has_value();
}

awaitable<void> H1Session::refuse(unsigned status) {
  switch (status) {
    case 414:
      count(Violation::uri_length);
      break;
    case 431:
      count(head_.headers.size() >= worker_.snapshot()->config->limits.header_count ? Violation::header_count
                                                                                    : Violation::header_size);
      break;
    case 408:
      break;
    default:
      count(Violation::bad_request);
      break;
  }
  closing_ = true;
  if (head_.method.empty()) head_.method = "-";
  ResponseHead head;
  reply(*this, {.status = status}, head);
  log_refused(worker_, *this, status);
  transport_.push();
  co_await linger();
}

// RFC 9112 §9.6: closing while the client still sends would reset the connection, and the answer with it.
awaitable<void> H1Session::linger() {
  transport_.close_write();
  waiting_ = Waiting::head;
  late_ = false;
  deadline_.arm(linger_time);
  std::size_t discarded = 0;
  while (discarded < most_discarded && !late_) {
    const Transport::Read read = transport_.read(worker_.read_buffer());
    if (read.kind == Transport::Read::Kind::data) {
      discarded += read.bytes;
      continue;
    }
    if (read.kind != Transport::Read::Kind::blocked) break;
    const auto ready = co_await transport_.readable();
    if (!ready) break;
  }
  deadline_.disarm();
}

}  // namespace

awaitable<SessionEnd> serve_h1(SessionContext& context) {
  H1Session session(context);
  co_return co_await session.run();
}

}  // namespace proxy
