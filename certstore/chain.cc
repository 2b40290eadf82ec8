#include "certstore/chain.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace certstore {
namespace {

using AuthorityKeyIdPtr = std::unique_ptr<AUTHORITY_KEYID, base::Freed<AUTHORITY_KEYID_free>>;

constexpr std::size_t longest_chain = 10;  // OpenSSL's clients stop at 100, others at 10 or less

bool same_name(const X509_NAME* left, const X509_NAME* right) {
  return X509_NAME_cmp(left, right) == 0;
}

enum class Fit { no, by_key_identifier, by_name_only };

Fit fit(const X509* child, const IssuerCertificate& issuer) {
  if (!same_name(X509_get_issuer_name(child), X509_get_subject_name(issuer.x509()))) return Fit::no;
  const AuthorityKeyIdPtr authority(
      static_cast<AUTHORITY_KEYID*>(X509_get_ext_d2i(child, NID_authority_key_identifier, nullptr, nullptr)));
  // The call computes and caches what it answers, inside the certificate and under OpenSSL's own lock.
  const ASN1_OCTET_STRING* subject = X509_get0_subject_key_id(const_cast<X509*>(issuer.x509()));
  if (!authority || authority->keyid == nullptr || subject == nullptr) return Fit::by_name_only;
  return ASN1_OCTET_STRING_cmp(authority->keyid, subject) == 0 ? Fit::by_key_identifier : Fit::no;
}

// A cross-signed root stands beside its self-signed twin in some bundles: the one that leads further is preferred.
IssuerPtr issuer_of(const X509* child, der::Bytes child_bytes, const std::vector<IssuerPtr>& others) {
  std::vector<IssuerPtr> fitting;
  bool certain = true;
  for (const IssuerPtr& other : others) {
    const Fit found = fit(child, *other);
    if (found == Fit::no) continue;
    certain = certain && found == Fit::by_key_identifier;
    fitting.push_back(other);
  }
  if (fitting.size() > 1 || !certain) {
    std::erase_if(fitting, [&](const IssuerPtr& issuer) { return !issuer->verifies(child_bytes); });
  }
  std::ranges::stable_partition(fitting, [](const IssuerPtr& issuer) { return !issuer->self_signed(); });
  return fitting.empty() ? nullptr : fitting.front();
}

std::string text_of(const X509_NAME* name) {
  std::array<char, 200> text{};
  X509_NAME_oneline(name, text.data(), text.size());
  return text.data();
}

}  // namespace

base::Result<Chain> restore_chain(const X509* leaf, der::Bytes leaf_bytes, const std::vector<IssuerPtr>& others) {
  Chain chain;
  std::vector<IssuerPtr> unused = others;
  const X509* child = leaf;
  der::Bytes child_bytes = leaf_bytes;
  while (const IssuerPtr issuer = issuer_of(child, child_bytes, unused)) {
    chain.complete = true;
    if (issuer->self_signed()) break;  // clients have the root, or will not believe ours
    if (chain.intermediates.size() == longest_chain) {
      return base::fail(base::Code::invalid,
                        "the chain is longer than " + std::to_string(longest_chain) + " certificates");
    }
    chain.intermediates.push_back(issuer);
    std::erase(unused, issuer);  // each at most once: a ring of issuers ends here
    child = issuer->x509();
    child_bytes = issuer->der();
  }
  if (!chain.complete) {
    const bool self_issued = same_name(X509_get_subject_name(leaf), X509_get_issuer_name(leaf));
    if (!self_issued && !others.empty()) {
      return base::fail(base::Code::invalid,
                        "the chain is broken: none of the other certificates is the leaf's issuer " +
                            text_of(X509_get_issuer_name(leaf)));
    }
    chain.complete = self_issued;
  }
  return chain;
}

}  // namespace certstore
