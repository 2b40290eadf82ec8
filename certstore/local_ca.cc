#include "certstore/local_ca.h"

#include <algorithm>
#include <ctime>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/ip_network.h"
#include "certstore/certificate_builder.h"
#include "certstore/file_lock.h"
#include "certstore/host_name.h"
#include "certstore/issuance.h"
#include "certstore/pem.h"
#include "certstore/private_key.h"
#include "certstore/secret_bytes.h"

namespace certstore {
namespace {

constexpr std::size_t largest_file = 64U << 10U;
constexpr std::chrono::milliseconds lock_patience{10'000};
constexpr std::chrono::hours clock_skew{1};  // between us and whoever verifies
constexpr auto root_lifetime = std::chrono::days(3652);

struct Files {
  std::filesystem::path certificate;
  std::filesystem::path key;
};

Files files_in(const std::filesystem::path& folder) {
  return {folder / "ca.crt", folder / "ca.key"};
}

SecretBytes encoded(const X509* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  if (size <= 0) return {};
  SecretBytes bytes(static_cast<std::size_t>(size));
  unsigned char* out = bytes.data();
  i2d_X509(certificate, &out);
  return bytes;
}

base::Result<PemContents> read_contents(const std::filesystem::path& file) {
  auto text = base::read_file(file, largest_file);
  if (!text) return std::unexpected(std::move(text.error()));
  const WipedAtEnd wiped(*text);
  PemContents contents;
  if (auto read = read_pem(*text, contents); !read) return std::unexpected(std::move(read.error()).in(file.string()));
  return contents;
}

base::Result<PrivateKey> read_key(const std::filesystem::path& file) {
  const auto contents = read_contents(file);
  if (!contents) return std::unexpected(contents.error());
  if (contents->keys.empty()) return base::fail(base::Code::invalid, file.string() + ": holds no private key");
  auto key = PrivateKey::parse(contents->keys.front().bytes, contents->keys.front().layout);
  if (!key) return std::unexpected(std::move(key.error()).in(file.string()));
  return key;
}

base::Result<base::X509Ptr> read_root(const std::filesystem::path& file) {
  const auto contents = read_contents(file);
  if (!contents) return std::unexpected(contents.error());
  const SecretBytes bytes = contents->certificates.empty() ? SecretBytes{} : contents->certificates.front();
  const unsigned char* data = bytes.data();
  base::X509Ptr root(d2i_X509(nullptr, &data, static_cast<long>(bytes.size())));
  ERR_clear_error();
  if (!root) return base::fail(base::Code::invalid, file.string() + ": holds no certificate");
  return root;
}

bool is_there(const std::filesystem::path& file) {
  std::error_code ignored;
  return std::filesystem::exists(file, ignored);
}

// In canonical form, or none.
std::string canonical_name(const std::string& name) {
  if (const auto address = base::IpAddress::parse(name)) return address->to_string();
  return canonical_host_name(name).value_or(std::string());
}

base::SystemTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return base::SystemTime(std::chrono::seconds(timegm(&parts)));
}

}  // namespace

base::Result<LocalCa> LocalCa::open(const std::filesystem::path& folder, const base::Clock& clock) {
  std::error_code problem;
  if (std::filesystem::create_directories(folder, problem)) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, problem);
  }
  if (problem) return base::fail(base::Code::io, folder.string() + ": " + problem.message());
  const auto lock = FileLock::take(folder / "ca.lock", lock_patience);
  if (!lock) return std::unexpected(lock.error());
  const Files files = files_in(folder);
  if (!is_there(files.certificate)) {
    if (auto made = make(folder, clock); !made) return std::unexpected(std::move(made.error()));
  }
  return load(folder, clock);
}

// The key first: if the power goes in between, the next start finds it and makes the certificate for it.
base::Result<void> LocalCa::make(const std::filesystem::path& folder, const base::Clock& clock) {
  const Files files = files_in(folder);
  if (!is_there(files.key)) {
    const auto fresh = make_p256_key();
    if (!fresh) return std::unexpected(fresh.error());
    std::string pem = write_pem(PEM_STRING_PKCS8INF, pkcs8_of(fresh->get()));
    const WipedAtEnd wiped(pem);
    if (auto written = base::write_file_atomically(files.key, pem); !written) return written;
  }
  const auto key = read_key(files.key);
  if (!key) return std::unexpected(key.error());
  const base::EvpPkeyPtr decoded = decode_private_key(key->pkcs8());
  const base::SystemTime now = clock.now();
  const auto root = make_root("sekisho local CA", decoded.get(), {now - clock_skew, now + root_lifetime});
  if (!root) return std::unexpected(root.error());
  return base::write_file_atomically(files.certificate, write_pem(PEM_STRING_X509, encoded(root->get())));
}

base::Result<LocalCa> LocalCa::load(const std::filesystem::path& folder, const base::Clock& clock) {
  const Files files = files_in(folder);
  auto root = read_root(files.certificate);
  if (!root) return std::unexpected(std::move(root.error()));
  const auto key = read_key(files.key);
  if (!key) return std::unexpected(key.error());
  if (!key->matches(root->get())) {
    return base::fail(base::Code::invalid, files.key.string() + ": does not match " + files.certificate.string());
  }
  if (clock.now() > time_of(X509_get0_notAfter(root->get()))) {
    return base::fail(base::Code::invalid,
                      files.certificate.string() + ": has expired; remove it to have a new one made");
  }
  LocalCa ca;
  ca.certificate_path_ = files.certificate;
  ca.certificate_ = *std::move(root);
  ca.key_ = decode_private_key(key->pkcs8());
  ca.clock_ = &clock;
  if (!ca.key_) return base::fail(base::Code::internal, files.key.string() + ": out of memory");
  return ca;
}

base::Result<CertificatePtr> LocalCa::issue(const std::vector<std::string>& names, std::chrono::hours lifetime) const {
  if (names.empty()) return base::fail(base::Code::invalid, "a certificate needs a name");
  std::vector<std::string> canonical;
  for (const std::string& name : names) {
    canonical.push_back(canonical_name(name));
    if (canonical.back().empty())
      return base::fail(base::Code::invalid, name + ": is neither a host name nor an address");
  }
  const auto key = make_p256_key();
  if (!key) return std::unexpected(key.error());
  const base::SystemTime now = clock_->now();
  const base::SystemTime end =
      std::min<base::SystemTime>(now + lifetime, time_of(X509_get0_notAfter(certificate_.get())));
  const auto leaf = make_leaf(canonical, key->get(), {now - clock_skew, end}, {certificate_.get(), key_.get()});
  if (!leaf) return std::unexpected(leaf.error());
  PemContents contents;
  contents.certificates.push_back(encoded(leaf->get()));
  contents.certificates.push_back(encoded(certificate_.get()));
  contents.keys.push_back({pkcs8_of(key->get()), KeyLayout::pkcs8});
  return CertificateBuilder::build(contents);
}

}  // namespace certstore
