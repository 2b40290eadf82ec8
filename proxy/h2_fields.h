// The fields of HTTP/2 header blocks, to and from the heads that the rest of the proxy knows. Pure functions and
// values.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "config/config.h"
#include "proxy/message.h"

namespace proxy {

// A header block on its way out: views of what was added, in the form that nghttp2 takes. Reused, so that it costs no
// memory.
class H2FieldBlock {
 public:
  void clear() noexcept;
  // `name` in lower case. Both must live until the block has been submitted. `flags` are those of nghttp2_nv; with
  // NO_COPY_NAME the name must live for ever.
  void add(std::string_view name, std::string_view value, std::uint8_t flags = NGHTTP2_NV_FLAG_NONE);
  void add_content_length(std::uint64_t length);
  void add_status(unsigned status);
  // All but those that HTTP/2 forbids (RFC 9113 §8.2.2) and those that only an HTTP/1.1 upgrade has.
  void add(const HeaderList& headers);

  [[nodiscard]] const nghttp2_nv* data() const noexcept { return fields_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }

 private:
  std::vector<nghttp2_nv> fields_;
  std::array<char, 4> status_{};
  std::array<char, 24> length_{};
};

// Reads the header block of a request, field by field, into a RequestHead. nghttp2 has checked names, values, the
// pseudo fields and their order; their content is attacker controlled. Stores no more than the limits allow.
class H2RequestFields {
 public:
  void begin(const config::Limits& limits);
  void add(RequestHead& head, std::string_view name, std::string_view value);
  // When the block is complete. 0, or the status that refuses the request: 400, 414, 431. Leaves `head` ready for
  // forward.
  [[nodiscard]] unsigned finish(RequestHead& head, bool end_stream);

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool too_many() const noexcept { return count_ > limits_.header_count; }

 private:
  void add_pseudo(RequestHead& head, std::string_view name, std::string_view value);

  config::Limits limits_;
  std::size_t bytes_ = 0;
  unsigned count_ = 0;
  unsigned refused_ = 0;
  bool has_host_ = false;
  std::string host_;
  std::string cookie_;  // RFC 9113 §8.2.3: crumbs are joined again
};

// A field of a response's header block (1xx, final) into `head`. False: not acceptable.
[[nodiscard]] bool add_response_field(ResponseHead& head, std::string_view name, std::string_view value);

// A trailer field, unless it is one that must not be there (RFC 9110 §6.5.1).
void add_trailer_field(HeaderList& trailers, std::string_view name, std::string_view value);

}  // namespace proxy
