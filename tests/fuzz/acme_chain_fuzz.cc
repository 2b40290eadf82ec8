// The chain that a CA hands out, and the key of an account: what is accepted is clean PEM, and can be read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "acme/issued_chain.h"
#include "acme/jws.h"
#include "certstore/certificate.h"
#include "tests/support/mint.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

const test::Minted& minted() {
  static const test::Minted one = test::Authority("Root").intermediate("Issuing").issue({.names = {"a.example.com"}});
  return one;
}

}  // namespace

// The first byte says what is before and after the rest: nothing, a good chain, or it is an account key.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  static const std::string chain = minted().chain_pem();
  static const std::string key = minted().key_pem();
  const std::string text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  if (bytes[0] % 4 == 3) {
    const auto account = acme::AccountKey::from_pem(text);
    if (account) require(account->thumbprint().size() == 43 && account->sign("input").has_value());
    return 0;
  }
  const auto checked = acme::checked_chain(bytes[0] % 4 == 0 ? text : bytes[0] % 4 == 1 ? text + chain : chain + text);
  if (!checked) {
    require(!checked.error().what.empty());
    return 0;
  }
  require(checked->find("PRIVATE") == std::string::npos);
  require(acme::checked_chain(*checked) == *checked);
  (void)certstore::Certificate::from_pem(*checked, key);
  return 0;
}
