#include "app/affinity_secret.h"

#include <array>
#include <chrono>
#include <string_view>

#include "base/ascii.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/log.h"
#include "base/openssl.h"
#include "certstore/file_lock.h"

namespace app {
namespace {

constexpr std::size_t secret_bytes = 32;
constexpr std::size_t shortest = 32;  // characters of one that somebody else has written
constexpr std::size_t longest = 1024;
constexpr std::chrono::seconds lock_patience{5};

std::string make_secret() {
  std::array<unsigned char, secret_bytes> bytes{};
  if (RAND_priv_bytes(bytes.data(), bytes.size()) != 1) {
    base::log::error("no random bytes for the secret of sticky sessions", {{"error", base::take_openssl_error()}});
  }
  return base::to_base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

base::Result<std::string> read_or_make(const std::filesystem::path& file) {
  // Two processes that start at once end with the same.
  const auto lock = certstore::FileLock::take(file.string() + ".lock", lock_patience);
  if (!lock) return std::unexpected(lock.error());
  auto known = base::read_file(file, longest);
  if (known) {
    const std::string_view secret = base::trimmed(*known);
    if (secret.size() >= shortest) return std::string(secret);
    return base::fail(base::Code::invalid, file.string() + ": fewer than 32 characters");
  }
  if (known.error().code != base::Code::not_found) return known;
  std::string made = make_secret();
  if (auto written = base::write_file_atomically(file, made + '\n'); !written) {
    return std::unexpected(std::move(written.error()));
  }
  return made;
}

}  // namespace

std::string affinity_secret(const std::filesystem::path& state_directory) {
  if (state_directory.empty()) return make_secret();
  auto kept = read_or_make(state_directory / "affinity.key");
  if (kept) return *std::move(kept);
  base::log::warning("sticky sessions of this configuration end with this process", {{"error", kept.error().what}});
  return make_secret();
}

}  // namespace app
