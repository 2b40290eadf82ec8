#include "azure/pfx_upload.h"

#include <array>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/hex.h"
#include "base/openssl.h"
#include "certstore/pfx_writer.h"

namespace azure {

base::Result<UploadedPfx> make_upload(const certstore::Certificate& certificate, std::size_t limit) {
  std::array<unsigned char, 16> random{};
  if (RAND_priv_bytes(random.data(), random.size()) != 1) {
    return base::fail(base::Code::internal, "no random bytes: " + base::take_openssl_error());
  }
  std::string password = base::to_hex(random);
  const certstore::WipedAtEnd password_wiped(password);
  certstore::wipe(random.data(), random.size());
  auto written = certstore::write_pfx(certificate, password);
  if (!written) return std::unexpected(std::move(written.error()));
  if (written->size() > limit) {
    return base::fail(
        base::Code::too_large,
        fmt::format("with its chain it is {} bytes long as a PFX, and {} are taken", written->size(), limit));
  }
  return UploadedPfx{.bytes = *std::move(written), .password = SecretText(password)};
}

}  // namespace azure
