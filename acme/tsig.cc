#include "acme/tsig.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include "acme/dns_message.h"
#include "base/openssl.h"

namespace acme {
namespace {

constexpr std::size_t header_size = 12;
constexpr std::uint16_t fudge = 300;  // RFC 8945 §10: recommended
constexpr std::uint16_t type_tsig = 250;
constexpr std::uint16_t class_any = 255;

struct Algorithm {
  std::string_view name;
  const char* digest;
};
constexpr std::array algorithms{Algorithm{"hmac-sha224", "SHA224"}, Algorithm{"hmac-sha256", "SHA256"},
                                Algorithm{"hmac-sha384", "SHA384"}, Algorithm{"hmac-sha512", "SHA512"}};

const Algorithm* algorithm_named(std::string_view name) {
  const auto* found = std::ranges::find(algorithms, name, &Algorithm::name);
  return found == algorithms.end() ? nullptr : found;
}

void put16(std::string& bytes, std::uint64_t value) {
  bytes += static_cast<char>((value >> 8U) & 0xffU);
  bytes += static_cast<char>(value & 0xffU);
}

void put48(std::string& bytes, std::uint64_t value) {
  put16(bytes, value >> 32U);
  put16(bytes, value >> 16U);
  put16(bytes, value);
}

std::string mac_of(const Algorithm& algorithm, const TsigKey& key, std::string_view input) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  std::size_t size = 0;
  EVP_Q_mac(nullptr, "HMAC", nullptr, algorithm.digest, nullptr, key.secret.data(), key.secret.size(),
            reinterpret_cast<const unsigned char*>(input.data()), input.size(), mac.data(), mac.size(), &size);
  return {reinterpret_cast<const char*>(mac.data()), size};
}

// The fields of a TSIG record that its MAC covers beside the message (RFC 8945 §4.3.3).
struct Variables {
  std::uint64_t time = 0;
  std::uint16_t fudge = 0;
  std::uint16_t error = 0;
  std::string_view other{};
};

base::Result<std::string> covered(const TsigKey& key, const Variables& variables) {
  auto bytes = encode_name(key.name);
  const auto algorithm = encode_name(key.algorithm);
  if (!bytes || !algorithm) return base::fail(base::Code::invalid, "the TSIG key's name is not a DNS name");
  put16(*bytes, class_any);
  put16(*bytes, 0);
  put16(*bytes, 0);  // TTL
  *bytes += *algorithm;
  put48(*bytes, variables.time);
  put16(*bytes, variables.fudge);
  put16(*bytes, variables.error);
  put16(*bytes, variables.other.size());
  *bytes += variables.other;
  return bytes;
}

// Reads forward through a message; after the first thing that is not there, everything is empty or 0 and ok() false.
class Reader {
 public:
  explicit Reader(std::string_view wire) : wire_(wire) {}
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t at() const { return at_; }
  std::string_view bytes(std::size_t count) {
    if (!ok_ || wire_.size() - at_ < count) {
      ok_ = false;
      return {};
    }
    at_ += count;
    return wire_.substr(at_ - count, count);
  }
  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (const char byte : bytes(size)) value = (value << 8U) | static_cast<unsigned char>(byte);
    return value;
  }
  // An uncompressed name, in lower case. Of a compressed one only that it ends there: empty.
  std::string name() {
    std::string labels;
    while (ok_) {
      const auto size = number(1);
      if (size >= 0xc0U) {
        bytes(1);
        return {};
      }
      const std::string_view label = bytes(size);
      labels += static_cast<char>(size);
      labels += normal_label(label);
      if (size == 0) return labels;
      ok_ = ok_ && size < 64 && labels.size() < 256;
    }
    return {};
  }

 private:
  static std::string normal_label(std::string_view label) {
    std::string lower(label);
    for (char& letter : lower) {
      if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    return lower;
  }
  std::string_view wire_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

struct Received {
  std::size_t begin = 0;  // of the record in the message
  std::string name;
  std::string algorithm;
  Variables variables;
  std::string_view mac;
  std::uint16_t original_id = 0;
};

std::optional<Received> last_record(std::string_view wire) {
  Reader reader(wire);
  reader.bytes(4);
  const auto questions = reader.number(2);
  const auto records = reader.number(2) + reader.number(2) + reader.number(2);
  if (!reader.ok() || records == 0) return std::nullopt;
  for (std::uint64_t i = 0; i < questions && reader.ok(); ++i) {
    reader.name();
    reader.bytes(4);
  }
  for (std::uint64_t i = 1; i < records && reader.ok(); ++i) {
    reader.name();
    reader.bytes(8);
    reader.bytes(reader.number(2));
  }
  Received tsig;
  tsig.begin = reader.at();
  tsig.name = reader.name();
  const bool is_tsig = reader.number(2) == type_tsig && reader.number(2) == class_any;
  reader.bytes(6);  // TTL and length
  tsig.algorithm = reader.name();
  tsig.variables.time = reader.number(6);
  tsig.variables.fudge = static_cast<std::uint16_t>(reader.number(2));
  tsig.mac = reader.bytes(reader.number(2));
  tsig.original_id = static_cast<std::uint16_t>(reader.number(2));
  tsig.variables.error = static_cast<std::uint16_t>(reader.number(2));
  tsig.variables.other = reader.bytes(reader.number(2));
  // RFC 8945 §5.1: the last record of the additional section; nothing comes behind it.
  if (!reader.ok() || !is_tsig || reader.at() != wire.size()) return std::nullopt;
  return tsig;
}

std::string text_of_error(std::uint16_t error, const TsigKey& key) {
  switch (error) {
    case 16:
      return fmt::format("BADSIG: the server has another secret for TSIG key \"{}\"", key.name);
    case 17:
      return fmt::format("BADKEY: the server does not know TSIG key \"{}\" with {}", key.name, key.algorithm);
    case 18:
      return "BADTIME: this machine's clock and the server's differ by more than 5 minutes";
    case 22:
      return "BADTRUNC: the server does not accept this length of MAC";
    default:
      return fmt::format("TSIG error {}", error);
  }
}

std::unexpected<base::Error> not_authentic(std::string_view why) {
  return base::fail(base::Code::protocol, fmt::format("the answer is not authentic: {}", why), base::Origin::control,
                    base::Retry::later);
}

std::uint64_t seconds_of(base::SystemTime time) {
  return static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

}  // namespace

bool is_tsig_algorithm(std::string_view algorithm) noexcept {
  return algorithm_named(algorithm) != nullptr;
}

base::Result<SignedMessage> sign_tsig(std::string_view message, const TsigKey& key, base::SystemTime now) {
  const Algorithm* algorithm = algorithm_named(key.algorithm);
  if (algorithm == nullptr) return base::fail(base::Code::invalid, "TSIG algorithm \"" + key.algorithm + "\"");
  if (message.size() < header_size) return base::fail(base::Code::internal, "not a DNS message");
  const Variables variables{seconds_of(now), fudge};
  const auto tail = covered(key, variables);
  if (!tail) return std::unexpected(tail.error());
  SignedMessage result{std::string(message), mac_of(*algorithm, key, std::string(message) + *tail)};
  std::string data = encode_name(key.algorithm).value_or("");
  put48(data, variables.time);
  put16(data, variables.fudge);
  put16(data, result.mac.size());
  data += result.mac;
  data += message.substr(0, 2);  // the original id
  put16(data, 0);                // no error
  put16(data, 0);                // nothing else
  result.wire += encode_name(key.name).value_or("");
  put16(result.wire, type_tsig);
  put16(result.wire, class_any);
  put16(result.wire, 0);
  put16(result.wire, 0);
  put16(result.wire, data.size());
  result.wire += data;
  // One record more in the additional section (RFC 1035 §4.1.1); it has less than 255.
  result.wire[11] = static_cast<char>(result.wire[11] + 1);
  return result;
}

base::Result<void> verify_tsig(std::string_view answer, const TsigKey& key, std::string_view request_mac,
                               base::SystemTime now) {
  const Algorithm* algorithm = algorithm_named(key.algorithm);
  const auto tsig = last_record(answer);
  if (algorithm == nullptr || !tsig) return not_authentic("it has no TSIG record");
  // RFC 8945 §5.3.2: BADKEY and BADSIG come unsigned. To believe them costs no more than this attempt.
  if (tsig->variables.error == 16 || tsig->variables.error == 17) {
    return base::fail(base::Code::refused, text_of_error(tsig->variables.error, key), base::Origin::control);
  }
  if (tsig->name != encode_name(key.name).value_or("") || tsig->algorithm != encode_name(key.algorithm).value_or("")) {
    return not_authentic("it is signed with another key or algorithm");
  }
  // RFC 8945 §4.3: the request's MAC, the message as it was before the record came to it, the variables.
  std::string input;
  put16(input, request_mac.size());
  input += request_mac;
  const std::size_t start = input.size();
  input += answer.substr(0, tsig->begin);
  input[start] = static_cast<char>(tsig->original_id >> 8U);
  input[start + 1] = static_cast<char>(tsig->original_id & 0xffU);
  const auto additional = static_cast<std::uint16_t>(
      ((static_cast<unsigned char>(input[start + 10]) << 8U) | static_cast<unsigned char>(input[start + 11])) - 1U);
  input[start + 10] = static_cast<char>(additional >> 8U);
  input[start + 11] = static_cast<char>(additional & 0xffU);
  input += covered(key, tsig->variables).value_or("");
  const std::string expected = mac_of(*algorithm, key, input);
  if (tsig->mac.size() != expected.size() || CRYPTO_memcmp(tsig->mac.data(), expected.data(), expected.size()) != 0) {
    return not_authentic("its MAC is wrong");
  }
  if (tsig->variables.error != 0) {
    return base::fail(base::Code::refused, text_of_error(tsig->variables.error, key), base::Origin::control);
  }
  const std::uint64_t ours = seconds_of(now);
  const std::uint64_t theirs = tsig->variables.time;
  if ((ours > theirs ? ours - theirs : theirs - ours) > fudge) return not_authentic("its time is not ours");
  return {};
}

}  // namespace acme
