#include "certstore/certificate_builder.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "certstore/chain.h"
#include "certstore/facts.h"

namespace certstore {
namespace {

// A certificate of the bundle: shared if some other bundle had it as an issuer, else only skimmed.
struct Skimmed {
  der::Bytes bytes;
  base::X509Ptr own;
  IssuerPtr shared;
  [[nodiscard]] const X509* x509() const { return shared ? shared->x509() : own.get(); }
};

struct Leaf {
  const Skimmed* certificate = nullptr;
  const PrivateKey* key = nullptr;
};

base::Result<std::vector<PrivateKey>> parse_keys(const PemContents& contents) {
  std::vector<PrivateKey> keys;
  std::optional<base::Error> problem;
  for (auto key = contents.keys.begin(); key != contents.keys.end(); ++key) {
    // A Key Vault secret that is mounted as tls.crt and as tls.key comes twice with the same content.
    const auto same = [&](const PemContents::Key& other) { return other.bytes == key->bytes; };
    if (std::any_of(contents.keys.begin(), key, same)) continue;
    auto parsed = PrivateKey::parse(key->bytes, key->layout);
    if (parsed) {
      keys.push_back(*std::move(parsed));
    } else {
      problem = std::move(parsed.error());
    }
  }
  if (!keys.empty()) return keys;
  if (problem) return std::unexpected(*std::move(problem));
  if (contents.has_encrypted_key) {
    return base::fail(base::Code::invalid,
                      "the private key is encrypted: an unencrypted key, or a PFX with its password, is expected");
  }
  return base::fail(base::Code::invalid, "there is no private key");
}

base::Result<std::vector<Skimmed>> skim(const PemContents& contents) {
  std::vector<Skimmed> all;
  for (const SecretBytes& bytes : contents.certificates) {
    if (std::ranges::any_of(all, [&](const Skimmed& other) { return std::ranges::equal(other.bytes, bytes); }))
      continue;
    Skimmed next{bytes, nullptr, all.empty() ? nullptr : IssuerCertificate::find(bytes)};
    if (!next.shared) next.own = parse_without_key(bytes);
    if (next.x509() == nullptr) {
      return base::fail(base::Code::invalid, "certificate " + std::to_string(all.size() + 1) + " is damaged");
    }
    all.push_back(std::move(next));
  }
  if (all.empty()) return base::fail(base::Code::invalid, "there is no certificate");
  return all;
}

bool is_newer(const Skimmed& left, const Skimmed& right) {
  return ASN1_TIME_compare(X509_get0_notBefore(left.x509()), X509_get0_notBefore(right.x509())) > 0;
}

base::Result<Leaf> find_leaf(const std::vector<Skimmed>& all, const std::vector<PrivateKey>& keys) {
  Leaf leaf;
  for (const PrivateKey& key : keys) {
    for (const Skimmed& certificate : all) {
      if (!key.matches(certificate.x509())) continue;
      if (leaf.certificate == nullptr || is_newer(certificate, *leaf.certificate)) leaf = {&certificate, &key};
    }
  }
  if (leaf.certificate != nullptr) return leaf;
  return base::fail(base::Code::invalid, all.size() == 1 ? "the private key does not match the certificate"
                                                         : "the private key does not match any of the " +
                                                               std::to_string(all.size()) + " certificates");
}

std::vector<IssuerPtr> others_than(const Skimmed& leaf, const std::vector<Skimmed>& all) {
  std::vector<IssuerPtr> others;
  for (const Skimmed& certificate : all) {
    if (&certificate == &leaf) continue;
    IssuerPtr issuer = certificate.shared ? certificate.shared : IssuerCertificate::find_or_make(certificate.bytes);
    if (issuer) others.push_back(std::move(issuer));  // one with an exotic key issued nothing that we could check
  }
  return others;
}

}  // namespace

base::Result<CertificatePtr> CertificateBuilder::build(const PemContents& contents) {
  const auto all = skim(contents);
  if (!all) return std::unexpected(all.error());
  const auto keys = parse_keys(contents);
  if (!keys) return std::unexpected(keys.error());
  const auto leaf = find_leaf(*all, *keys);
  if (!leaf) return std::unexpected(leaf.error());
  const X509* x509 = leaf->certificate->x509();
  const der::Bytes bytes = leaf->certificate->bytes;
  auto chain = restore_chain(x509, bytes, others_than(*leaf->certificate, *all));
  if (!chain) return std::unexpected(std::move(chain.error()));

  const std::shared_ptr<Certificate> made(new Certificate);  // the constructor is private
  made->facts_ = read_facts(x509, bytes);
  made->facts_.key_type = leaf->key->algorithm() == PrivateKey::Algorithm::rsa ? KeyType::rsa : KeyType::ecdsa;
  made->facts_.chain_complete = chain->complete;
  made->leaf_der_.assign(bytes.begin(), bytes.end());
  made->intermediates_ = std::move(chain->intermediates);
  made->key_der_ = leaf->key->pkcs8();
  return made;
}

}  // namespace certstore
