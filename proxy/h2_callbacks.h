// The seam to nghttp2: makes its session and turns its C callbacks into calls of the link and the streams.
#pragma once

#include "proxy/h2_link.h"

namespace proxy {

// A session with the options that all of ours have. Throws bad_alloc. The caller frees it.
[[nodiscard]] nghttp2_session* make_h2_frames(H2Link& link, H2Link::Side side);

// The body that a stream sends, read from the stream's H2Body when there is room on the wire.
[[nodiscard]] nghttp2_data_provider h2_body_source();

}  // namespace proxy
