#include "proxy/h2_callbacks.h"

#include <new>

#include "proxy/h2_body.h"

namespace proxy {
namespace {

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

H2Body* body_of(nghttp2_session* session, std::int32_t stream) {
  return static_cast<H2Body*>(nghttp2_session_get_stream_user_data(session, stream));
}

ssize_t read_body(nghttp2_session* session, std::int32_t stream, std::uint8_t*, std::size_t length,
                  std::uint32_t* flags, nghttp2_data_source*, void*) noexcept {
  // By the stream and not by a pointer of its own: an exchange may be gone before its last frame.
  H2Body* body = body_of(session, stream);
  if (body == nullptr) return NGHTTP2_ERR_DEFERRED;
  return body->offer(length, *flags);
}

}  // namespace

// A friend of H2Link. What nghttp2 calls must not throw; a failed allocation in here ends the process.
struct H2Callbacks {
  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* link) noexcept {
    static_cast<H2Link*>(link)->begin_headers(*frame);
    return 0;
  }
  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                    const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* link) noexcept {
    const bool taken = static_cast<H2Link*>(link)->take_header(*frame, text(name, name_size), text(value, value_size));
    return taken ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  // RFC 9113 §8.2.1: a field that breaks the rules makes the message malformed; it is not just left out.
  static int invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t,
                            const std::uint8_t*, std::size_t, std::uint8_t, void*) noexcept {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  static int begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* link) noexcept {
    static_cast<H2Link*>(link)->begin_frame(*head);
    return 0;
  }
  static int frame(nghttp2_session*, const nghttp2_frame* frame, void* link) noexcept {
    static_cast<H2Link*>(link)->take_frame(*frame);
    return 0;
  }
  static int invalid_frame(nghttp2_session*, const nghttp2_frame*, int, void* link) noexcept {
    static_cast<H2Link*>(link)->broken_frame();
    return 0;
  }
  static int data(nghttp2_session* session, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes,
                  std::size_t size, void*) noexcept {
    if (H2Body* body = body_of(session, stream)) {
      body->received({reinterpret_cast<const char*>(bytes), size});
    } else {
      nghttp2_session_consume_connection(session, size);
    }
    return 0;
  }
  static int sent(nghttp2_session*, const nghttp2_frame* frame, void* link) noexcept {
    static_cast<H2Link*>(link)->frame_sent(*frame);
    return 0;
  }
  static int not_sent(nghttp2_session*, const nghttp2_frame* frame, int error, void* link) noexcept {
    static_cast<H2Link*>(link)->frame_not_sent(*frame, error);
    return 0;
  }
  static int send_data(nghttp2_session* session, nghttp2_frame* frame, const std::uint8_t* head, std::size_t length,
                       nghttp2_data_source*, void*) noexcept {
    H2Body* body = body_of(session, frame->hd.stream_id);
    if (body == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return body->send_frame({reinterpret_cast<const char*>(head), 9}, length);
  }
  static int closed(nghttp2_session* session, std::int32_t stream, std::uint32_t code, void* link) noexcept {
    static_cast<H2Link*>(link)->stream_closed(stream, body_of(session, stream), code);
    return 0;
  }
};

nghttp2_data_provider h2_body_source() {
  nghttp2_data_provider provider{};
  provider.read_callback = read_body;
  return provider;
}

nghttp2_session* make_h2_frames(H2Link& link, H2Link::Side side) {
  struct FreeCallbacks {
    void operator()(nghttp2_session_callbacks* made) const noexcept { nghttp2_session_callbacks_del(made); }
  };
  struct FreeOptions {
    void operator()(nghttp2_option* made) const noexcept { nghttp2_option_del(made); }
  };
  nghttp2_session_callbacks* made_callbacks = nullptr;
  nghttp2_option* made_options = nullptr;
  nghttp2_session* session = nullptr;
  if (nghttp2_session_callbacks_new(&made_callbacks) != 0) throw std::bad_alloc();
  const std::unique_ptr<nghttp2_session_callbacks, FreeCallbacks> callbacks(made_callbacks);
  if (nghttp2_option_new(&made_options) != 0) throw std::bad_alloc();
  const std::unique_ptr<nghttp2_option, FreeOptions> options(made_options);

  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks.get(), H2Callbacks::begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks.get(), H2Callbacks::header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks.get(), H2Callbacks::invalid_header);
  nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks.get(), H2Callbacks::begin_frame);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks.get(), H2Callbacks::frame);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks.get(), H2Callbacks::invalid_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks.get(), H2Callbacks::data);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks.get(), H2Callbacks::sent);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks.get(), H2Callbacks::not_sent);
  nghttp2_session_callbacks_set_send_data_callback(callbacks.get(), H2Callbacks::send_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks.get(), H2Callbacks::closed);

  // Room is given when a body is taken, not when it arrives: that is the back-pressure.
  nghttp2_option_set_no_auto_window_update(options.get(), 1);
  nghttp2_option_set_no_closed_streams(options.get(), 1);
  nghttp2_option_set_max_send_header_block_length(options.get(), 256 << 10);
  const int failed = side == H2Link::Side::server
                         ? nghttp2_session_server_new2(&session, callbacks.get(), &link, options.get())
                         : nghttp2_session_client_new2(&session, callbacks.get(), &link, options.get());
  if (failed != 0) throw std::bad_alloc();
  return session;
}

}  // namespace proxy
