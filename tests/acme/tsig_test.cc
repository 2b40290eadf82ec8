#include "acme/tsig.h"

#include <gtest/gtest.h>

#include <random>

#include "acme/dns_message.h"

namespace acme {
namespace {

using namespace std::chrono_literals;

const base::SystemTime now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22);
const TsigKey key{"key.example", "hmac-sha256", {1, 2, 3, 4}};

std::string update() {
  return *encode_update({TxtChange::Action::add, "example.test", "a.example.test", "v", std::chrono::seconds(60)}, 7);
}

// Signed as a server signs an answer: its MAC covers the request's. RFC 8945 §5.3.
std::string signed_answer(const TsigKey& with, const std::string& request_mac) {
  const std::string message = update();
  std::string prefixed{static_cast<char>(request_mac.size() >> 8U), static_cast<char>(request_mac.size())};
  // sign_tsig() counts up the record count at byte 11 of what it is given, so it signs the bare message, and its MAC is
  // replaced by that of the prefixed one: the same length, the same place.
  prefixed += request_mac + message;
  SignedMessage bare = *sign_tsig(message, with, now);
  const std::string mac = sign_tsig(prefixed, with, now)->mac;
  return bare.wire.replace(bare.wire.find(bare.mac), mac.size(), mac);
}

TEST(Tsig, RefusesAnAnswerThatIsNotSigned) {
  EXPECT_EQ(verify_tsig(update(), key, "mac", now).error().code, base::Code::protocol);
  EXPECT_FALSE(verify_tsig("", key, "mac", now));
}

TEST(Tsig, RefusesAnAnswerToAnotherRequestOrOfAnotherKeyOrTime) {
  const std::string answer = signed_answer(key, "request mac");
  EXPECT_TRUE(verify_tsig(answer, key, "request mac", now));
  EXPECT_FALSE(verify_tsig(answer, key, "other mac", now));
  EXPECT_FALSE(verify_tsig(answer, {key.name, key.algorithm, {9}}, "request mac", now));
  EXPECT_FALSE(verify_tsig(answer, {"other.example", key.algorithm, key.secret}, "request mac", now));
  EXPECT_FALSE(verify_tsig(answer, {key.name, "hmac-sha512", key.secret}, "request mac", now));
  EXPECT_TRUE(verify_tsig(answer, key, "request mac", now + 300s));
  EXPECT_FALSE(verify_tsig(answer, key, "request mac", now + 301s));
}

TEST(Tsig, NoticesEveryByteThatIsChangedOrMissing) {
  const std::string answer = signed_answer(key, "request mac");
  for (std::size_t at = 0; at < answer.size(); ++at) {
    std::string changed = answer;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const bool id_or_ttl_of_the_record = verify_tsig(changed, key, "request mac", now).has_value();
    // RFC 8945 §4.3.2, §4.3.3: the id in the header is replaced by the original one; class and TTL are covered by
    // value, and the letters of a name in lower case.
    const bool uncovered = at < 2 || (at > update().size() + 16 && at < update().size() + 24);
    EXPECT_TRUE(!id_or_ttl_of_the_record || uncovered) << at;
    EXPECT_FALSE(verify_tsig(answer.substr(0, at), key, "request mac", now)) << at;
  }
}

TEST(Tsig, SurvivesAnyBytes) {
  std::mt19937 random(20'261'122);  // NOLINT: the same bytes in each run
  for (unsigned i = 0; i < 20'000; ++i) {
    std::string bytes = update() + std::string(random() % 80, '\0');
    for (unsigned j = 0; j < 8; ++j) bytes[random() % bytes.size()] = static_cast<char>(random());
    EXPECT_FALSE(verify_tsig(bytes, key, "mac", now));
  }
}

}  // namespace
}  // namespace acme
