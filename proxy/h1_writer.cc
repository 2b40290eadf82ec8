#include "proxy/h1_writer.h"

#include <array>
#include <charconv>
#include <cstring>

#include <boost/beast/http/status.hpp>

namespace proxy {

namespace {

constexpr std::size_t around_field = 4;  // ": " and the end of the line

char* put(char* to, std::string_view text) noexcept {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

char* put_field(char* to, std::string_view name, std::string_view value) noexcept {
  return put(put(put(put(to, name), ": "), value), "\r\n");
}

}  // namespace

void append_field(std::string& out, std::string_view name, std::string_view value) {
  const std::size_t before = out.size();
  out.resize(before + name.size() + value.size() + around_field);
  put_field(out.data() + before, name, value);
}

void append_fields(std::string& out, const HeaderList& headers) {
  std::size_t size = out.size();
  for (const HeaderView field : headers) size += field.name.size() + field.value.size() + around_field;
  out.resize_and_overwrite(size, [&, before = out.size()](char* text, std::size_t) {
    char* to = text + before;
    for (const HeaderView field : headers) to = put_field(to, field.name, field.value);
    return size;  // not what it is called with: libstdc++ 12 says the capacity there when it has grown
  });
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), end);
}

std::string_view reason_phrase(unsigned status) noexcept {
  const auto text = http::obsolete_reason(static_cast<http::status>(status));
  return {text.data(), text.size()};
}

void H1BodyWriter::begin(Framing framing, std::uint64_t length, bool last) {
  framing_ = framing;
  left_ = framing == Framing::length ? length : 0;
  finished_ = false;
  last_ = last || framing == Framing::raw;
}

void H1BodyWriter::write(std::span<const char> bytes) {
  if (finished_ || bytes.empty()) return;
  switch (framing_) {
    case Framing::none:
      return;
    case Framing::length:
      // More than was announced would be read as the next message.
      bytes = bytes.first(std::min<std::uint64_t>(bytes.size(), left_));
      left_ -= bytes.size();
      transport_.write(bytes);
      return;
    case Framing::chunked: {
      std::array<char, 20> size;
      const auto [end, error] = std::to_chars(size.data(), size.data() + 16, bytes.size(), 16);
      end[0] = '\r';
      end[1] = '\n';
      transport_.write({size.data(), end + 2});
      transport_.write(bytes);
      transport_.write(std::string_view("\r\n"));
      return;
    }
    case Framing::raw:
      transport_.write(bytes);
      return;
  }
}

void H1BodyWriter::finish(const HeaderList& trailers) {
  if (finished_) return;
  finished_ = true;
  if (framing_ == Framing::chunked && trailers.empty()) {
    transport_.write(std::string_view("0\r\n\r\n"));
  } else if (framing_ == Framing::chunked) {
    std::string text = "0\r\n";
    append_fields(text, trailers);
    text += "\r\n";
    transport_.write(text);
  }
  // A body that is shorter than was announced has no proper end.
  if (last_ && left_ == 0) transport_.close_write();
}

}  // namespace proxy
