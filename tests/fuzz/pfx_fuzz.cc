// PFX files: nested ASN.1, encryption parameters and a MAC, all chosen by whoever made the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "certstore/certificate.h"
#include "tests/support/mint.h"

namespace {

const std::string& minted_pfx() {
  static const std::string pfx =
      test::Authority("Root").intermediate("Issuing").issue({.names = {"a.example.com"}}).pfx("");
  return pfx;
}

}  // namespace

// Odd inputs: the bytes as they are. Even ones: pairs of (position, value) that are written over a good PFX, which
// reaches deeper than what a mutator finds from nothing.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  std::string pfx(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  if (bytes[0] % 2 == 0) {
    const std::string patches = pfx;
    pfx = minted_pfx();
    for (std::size_t i = 0; i + 2 < patches.size() && i < 60; i += 3) {
      const std::size_t at = static_cast<unsigned char>(patches[i]) * 256U + static_cast<unsigned char>(patches[i + 1]);
      pfx[at % pfx.size()] = patches[i + 2];
    }
  }
  const auto read = certstore::Certificate::from_pfx(pfx, "");
  if (!read && read.error().what.empty()) std::abort();
  if (read && (*read)->material() == nullptr) std::abort();
  return 0;
}
