#include "acme/chain_choice.h"

#include <array>

#include "base/openssl.h"

namespace acme {
namespace {

std::string_view common_name_of(const X509_NAME* name, std::array<char, 256>& space) {
  const int length = X509_NAME_get_text_by_NID(const_cast<X509_NAME*>(name), NID_commonName, space.data(),
                                               static_cast<int>(space.size()));
  return length < 0 ? std::string_view{} : std::string_view(space.data(), static_cast<std::size_t>(length));
}

}  // namespace

bool chain_leads_to(std::string_view pem, std::string_view common_name) {
  const base::BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  base::X509Ptr last;
  while (base::X509Ptr next{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) last = std::move(next);
  ERR_clear_error();
  if (!last) return false;
  std::array<char, 256> space{};
  return common_name_of(X509_get_issuer_name(last.get()), space) == common_name;
}

}  // namespace acme
