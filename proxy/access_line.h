// AccessRecord: what is known of a request when it has ended, and how it is written down. Texts are attacker
// controlled; each is cut after 4096 bytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace proxy {

// Views must be valid during the call only. Durations are zero where the phase did not happen.
struct AccessRecord {
  std::chrono::system_clock::time_point at;
  std::string_view request_id, client, method, host, target, protocol;  // protocol: "HTTP/1.1", "HTTP/2"
  std::string_view route, backend, endpoint;
  unsigned status = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;    // bodies
  std::chrono::nanoseconds handshake{};         // of the connection, whichever of its requests this is
  std::chrono::nanoseconds queue{}, connect{};  // for a free connection to a backend, and to make one; of all attempts
  std::chrono::nanoseconds first_byte{}, total{};  // since the request's head was read
  std::string_view tls_version, server_name;
  bool tls_resumed = false;
  unsigned attempts = 0;
  std::string_view outcome;  // "ok", "client_gone", "upstream_timeout", ...: base::Code or what forward says
  std::string_view user_agent, referer;
  std::uint64_t generation = 0;
};

// The line without its newline; always valid JSON (invalid UTF-8 is replaced), appended to `out`.
void append_json(std::string& out, const AccessRecord& record);
void append_text(std::string& out, const AccessRecord& record);

}  // namespace proxy
