#include "proxy/tls_client_auth.h"

#include <openssl/pem.h>

#include "base/file.h"
#include "certstore/name_lookup.h"

namespace proxy {
namespace {

constexpr std::size_t most_bundle_bytes = 4U << 20U;

std::string policy_id(config::ClientCertificateMode mode, std::string_view bundle) {
  std::array<unsigned char, 32> digest{};
  EVP_Digest(bundle.data(), bundle.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  // SSL_set_session_id_context takes at most 32 bytes: the mode and 31 bytes of the bundle's digest.
  digest[0] = mode == config::ClientCertificateMode::required ? 2 : 1;
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

base::Result<std::shared_ptr<const ClientAuthPolicy>> load_policy(const config::ClientCertificates& wanted) {
  auto policy = std::make_shared<ClientAuthPolicy>();
  policy->mode = wanted.mode;
  if (wanted.mode == config::ClientCertificateMode::off) return policy;
  auto bundle = base::read_file(wanted.ca_certificates, most_bundle_bytes);
  if (!bundle) return std::unexpected(std::move(bundle.error()).in("CA certificates for clients"));
  policy->trust.reset(X509_STORE_new());
  const base::BioPtr pem(BIO_new_mem_buf(bundle->data(), static_cast<int>(bundle->size())));
  while (X509* read = PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr)) {
    base::X509Ptr certificate(read);
    X509_STORE_add_cert(policy->trust.get(), certificate.get());
    policy->authorities.push_back(std::move(certificate));
  }
  (void)base::take_openssl_error();  // the end of the file
  if (policy->authorities.empty()) {
    return base::fail(base::Code::invalid,
                      "CA certificates for clients: " + wanted.ca_certificates.string() + ": holds no PEM certificate");
  }
  policy->id = policy_id(wanted.mode, *bundle);
  return policy;
}

}  // namespace

base::Result<std::shared_ptr<const ClientAuthTable>> ClientAuthTable::load(const config::Tls& tls) {
  auto table = std::make_shared<ClientAuthTable>();
  auto by_default = load_policy(tls.client_certificates);
  if (!by_default) return std::unexpected(std::move(by_default.error()));
  table->default_policy_ = *std::move(by_default);
  for (const config::TlsHost& host : tls.hosts) {
    auto policy = load_policy(host.client_certificates);
    if (!policy) return std::unexpected(std::move(policy.error()));
    for (const std::string& name : host.hosts) table->by_name_[name] = *policy;
  }
  if (table->by_name_.empty() && table->default_policy_->mode == config::ClientCertificateMode::off) return nullptr;
  return table;
}

const ClientAuthPolicy& ClientAuthTable::find(std::string_view server_name) const noexcept {
  const auto* found = certstore::find_by_name(server_name, [this](std::string_view name) noexcept {
    const auto entry = by_name_.find(name);
    return entry == by_name_.end() ? nullptr : entry->second.get();
  });
  return found == nullptr ? *default_policy_ : *found;
}

}  // namespace proxy
