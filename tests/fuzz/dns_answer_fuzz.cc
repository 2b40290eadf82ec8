// What a name server, or somebody in its place, sends: answers to a question and to a signed update.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "acme/caa.h"
#include "acme/dns_message.h"
#include "acme/tsig.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view wire(reinterpret_cast<const char*>(data), size);
  static const acme::TsigKey key{"key.example", "hmac-sha256", {1, 2, 3, 4}};
  const std::uint16_t id = size < 2 ? std::uint16_t{0} : static_cast<std::uint16_t>((data[0] << 8U) | data[1]);
  const auto answer = acme::decode_answer(wire, id, {"example.test", acme::DnsType::caa});
  if (answer) {
    static_cast<void>(acme::decide_caa(answer->answers, {false, {"ca.test"}, "https://ca.test/acct/1", "dns-01"}));
    static_cast<void>(acme::decide_caa(answer->answers, {true, {"ca.test"}, "", "dns-01"}));
  }
  static_cast<void>(acme::decode_update_answer(wire, id));
  // Nobody guesses a MAC of 32 bytes.
  if (acme::verify_tsig(wire, key, "request mac", base::SystemTime{})) std::abort();
  return 0;
}
