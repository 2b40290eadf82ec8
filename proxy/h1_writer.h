// H1BodyWriter: the framing of one HTTP/1 body on its way out; and the text of heads.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/body.h"
#include "proxy/message.h"
#include "proxy/transport.h"

namespace proxy {

class H1BodyWriter final : public BodyWriter {
 public:
  // raw: until the end of the connection (upgrades, and HTTP/1.0 without a length).
  enum class Framing { none, length, chunked, raw };

  explicit H1BodyWriter(Transport& transport) : transport_(transport) {}
  // `last`: nothing follows on this connection. Its end then leaves together with that of the body.
  void begin(Framing framing, std::uint64_t length = 0, bool last = false);

  void write(std::span<const char> bytes) override;
  void finish(const HeaderList& trailers) override;
  void push() override { transport_.push(); }
  [[nodiscard]] bool congested() const override { return transport_.congested(); }
  [[nodiscard]] awaitable<base::Result<void>> drain() override { return transport_.drain(); }

  // Finished, with as many bytes as were announced: the connection may carry another message.
  [[nodiscard]] bool complete() const noexcept { return finished_ && left_ == 0; }
  [[nodiscard]] bool raw() const noexcept { return framing_ == Framing::raw; }

 private:
  Transport& transport_;
  Framing framing_ = Framing::none;
  std::uint64_t left_ = 0;
  bool finished_ = false;
  bool last_ = false;
};

// "name: value\r\n". Values come from parsers that let no line break through.
void append_field(std::string& out, std::string_view name, std::string_view value);
void append_fields(std::string& out, const HeaderList& headers);
void append_number(std::string& out, std::uint64_t number);
[[nodiscard]] std::string_view reason_phrase(unsigned status) noexcept;

}  // namespace proxy
