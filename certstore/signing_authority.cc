#include "certstore/signing_authority.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "base/file.h"
#include "base/ip_network.h"
#include "certstore/certificate_builder.h"
#include "certstore/host_name.h"
#include "certstore/issuance.h"

namespace certstore {
namespace {

constexpr std::size_t largest_file = 64U << 10U;
constexpr std::chrono::hours clock_skew{1};  // between us and whoever verifies

base::SystemTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return base::SystemTime(std::chrono::seconds(timegm(&parts)));
}

base::X509Ptr decoded(const SecretBytes& bytes) {
  const unsigned char* data = bytes.data();
  base::X509Ptr certificate(d2i_X509(nullptr, &data, static_cast<long>(bytes.size())));
  ERR_clear_error();
  return certificate;
}

base::Result<std::vector<std::string>> canonical(const std::vector<std::string>& names) {
  if (names.empty()) return base::fail(base::Code::invalid, "a certificate needs a name");
  std::vector<std::string> all;
  for (const std::string& name : names) {
    const auto address = base::IpAddress::parse(name);
    all.push_back(address ? address->to_string() : canonical_host_name(name).value_or(std::string()));
    if (all.back().empty()) return base::fail(base::Code::invalid, name + ": is neither a host name nor an address");
  }
  return all;
}

base::Result<CertificatePtr> build(const X509* leaf, const std::vector<SecretBytes>& chain, const PrivateKey& key) {
  PemContents contents;
  contents.certificates.push_back(der_of(leaf));
  contents.certificates.insert(contents.certificates.end(), chain.begin(), chain.end());
  contents.keys.push_back({key.pkcs8(), KeyLayout::pkcs8});
  return CertificateBuilder::build(contents);
}

}  // namespace

SecretBytes der_of(const X509* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  if (size <= 0) return {};
  SecretBytes bytes(static_cast<std::size_t>(size));
  unsigned char* out = bytes.data();
  i2d_X509(certificate, &out);
  return bytes;
}

base::Result<PemContents> read_pem_file(const std::filesystem::path& file) {
  auto text = base::read_file(file, largest_file);
  if (!text) return std::unexpected(std::move(text.error()));
  const WipedAtEnd wiped(*text);
  PemContents contents;
  if (auto read = read_pem(*text, contents); !read) return std::unexpected(std::move(read.error()).in(file.string()));
  return contents;
}

base::Result<PrivateKey> first_key(const PemContents& contents) {
  if (!contents.keys.empty()) return PrivateKey::parse(contents.keys.front().bytes, contents.keys.front().layout);
  return base::fail(base::Code::invalid, contents.has_encrypted_key
                                             ? "the private key is encrypted: an unencrypted one is expected"
                                             : "holds no private key");
}

base::Result<SigningAuthority> SigningAuthority::load(const std::filesystem::path& certificate,
                                                      const std::filesystem::path& key) {
  auto certificates = read_pem_file(certificate);
  if (!certificates) return std::unexpected(std::move(certificates.error()));
  if (certificates->certificates.empty()) {
    return base::fail(base::Code::invalid, certificate.string() + ": holds no certificate");
  }
  const auto keys = read_pem_file(key);
  if (!keys) return std::unexpected(keys.error());
  auto parsed = first_key(*keys);
  if (!parsed) return std::unexpected(std::move(parsed.error()).in(key.string()));

  SigningAuthority authority;
  auto& all = certificates->certificates;
  const auto own = std::ranges::find_if(all, [&](const SecretBytes& bytes) {
    authority.certificate_ = decoded(bytes);
    return authority.certificate_ && parsed->matches(authority.certificate_.get());
  });
  if (own == all.end()) {
    return base::fail(base::Code::invalid, key.string() + ": does not match " + certificate.string());
  }
  X509* x509 = authority.certificate_.get();
  // RFC 5280 §4.2.1.9: cA asserted; §4.2.1.3: keyCertSign, where there is a key usage at all.
  if (X509_check_ca(x509) != 1 || (X509_get_key_usage(x509) & KU_KEY_CERT_SIGN) == 0) {
    return base::fail(base::Code::invalid, certificate.string() + ": is not the certificate of a CA");
  }
  authority.key_ = decode_private_key(parsed->pkcs8());
  if (!authority.key_) return base::fail(base::Code::internal, key.string() + ": out of memory");
  std::rotate(all.begin(), own, own + 1);
  authority.chain_ = std::move(all);
  return authority;
}

base::SystemTime SigningAuthority::not_before() const {
  return time_of(X509_get0_notBefore(certificate_.get()));
}

base::SystemTime SigningAuthority::not_after() const {
  return time_of(X509_get0_notAfter(certificate_.get()));
}

base::Result<CertificatePtr> SigningAuthority::issue(const std::vector<std::string>& names, const PrivateKey& key,
                                                     std::chrono::seconds lifetime, base::SystemTime now) const {
  const auto checked = canonical(names);
  if (!checked) return std::unexpected(checked.error());
  const base::EvpPkeyPtr subject_key = decode_private_key(key.pkcs8());
  if (!subject_key) return base::fail(base::Code::internal, "out of memory");
  const Period period{now - clock_skew, std::min<base::SystemTime>(now + lifetime, not_after())};
  const auto leaf = make_leaf(*checked, subject_key.get(), period, {certificate_.get(), key_.get()});
  if (!leaf) return std::unexpected(leaf.error());
  return build(leaf->get(), chain_, key);
}

base::Result<CertificatePtr> issue_by_itself(const std::vector<std::string>& names, const PrivateKey& key,
                                             std::chrono::seconds lifetime, base::SystemTime now) {
  const auto checked = canonical(names);
  if (!checked) return std::unexpected(checked.error());
  const base::EvpPkeyPtr own_key = decode_private_key(key.pkcs8());
  if (!own_key) return base::fail(base::Code::internal, "out of memory");
  const auto leaf = make_leaf(*checked, own_key.get(), {now - clock_skew, now + lifetime}, {nullptr, own_key.get()});
  if (!leaf) return std::unexpected(leaf.error());
  return build(leaf->get(), {}, key);
}

}  // namespace certstore
