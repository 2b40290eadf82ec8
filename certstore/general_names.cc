#include "certstore/general_names.h"

#include "base/ip_network.h"

namespace certstore {
namespace {

using GeneralNamePtr = std::unique_ptr<GENERAL_NAME, base::Freed<GENERAL_NAME_free>>;

GeneralNamePtr general_name(const std::string& name) {
  GeneralNamePtr general(GENERAL_NAME_new());
  ASN1_STRING* text = ASN1_STRING_new();
  if (!general || text == nullptr) return nullptr;
  if (const auto address = base::IpAddress::parse(name)) {
    const int skipped = address->is_v4() ? 12 : 0;
    ASN1_STRING_set(text, address->bytes().data() + skipped, 16 - skipped);
    text->type = V_ASN1_OCTET_STRING;
    GENERAL_NAME_set0_value(general.get(), GEN_IPADD, text);
  } else {
    ASN1_STRING_set(text, name.data(), static_cast<int>(name.size()));
    text->type = V_ASN1_IA5STRING;
    GENERAL_NAME_set0_value(general.get(), GEN_DNS, text);
  }
  return general;
}

}  // namespace

// Built by hand: in OpenSSL's configuration syntax a comma in a name would begin another one.
GeneralNamesPtr general_names(const std::vector<std::string>& names) {
  GeneralNamesPtr all(GENERAL_NAMES_new());
  for (const std::string& name : names) {
    GeneralNamePtr general = general_name(name);
    if (!all || !general || sk_GENERAL_NAME_push(all.get(), general.get()) == 0) return nullptr;
    (void)general.release();  // the stack has it
  }
  return all;
}

}  // namespace certstore
