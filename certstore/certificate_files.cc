#include "certstore/certificate_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/file.h"
#include "certstore/facts.h"
#include "certstore/pem.h"
#include "certstore/secret_bytes.h"

namespace certstore {
namespace {

using BasicConstraintsPtr = std::unique_ptr<BASIC_CONSTRAINTS, base::Freed<BASIC_CONSTRAINTS_free>>;

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

bool is_authority(const SecretBytes& bytes) {
  const base::X509Ptr certificate = parse_without_key(bytes);
  if (!certificate) return false;
  const BasicConstraintsPtr constraints(
      static_cast<BASIC_CONSTRAINTS*>(X509_get_ext_d2i(certificate.get(), NID_basic_constraints, nullptr, nullptr)));
  if (constraints == nullptr || constraints->ca == 0) return false;
  // `openssl req -x509` makes servers' certificates that are authorities as well; they have names of hosts.
  const bool has_names = X509_get_ext_by_NID(certificate.get(), NID_subject_alt_name, -1) >= 0;
  return !has_names || read_facts(certificate.get(), bytes).dns_names.empty();
}

}  // namespace

FileStamp stamp_of(const std::filesystem::path& path) {
  return stamp_at(AT_FDCWD, path.c_str());
}

FileStamp stamp_at(int folder, const char* name) {
  struct stat status{};
  if (::fstatat(folder, name, &status, 0) != 0 || !S_ISREG(status.st_mode)) return {};
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = status.st_size,
          .modified = nanoseconds(status.st_mtim),
          .changed = nanoseconds(status.st_ctim)};
}

base::Result<CertificatePtr> read_pem_files(const std::filesystem::path& certificate,
                                            const std::filesystem::path& key) {
  auto chain = base::read_file(certificate, largest_certificate_file);
  if (!chain) return std::unexpected(std::move(chain.error()));
  const WipedAtEnd chain_wiped(*chain);
  base::Result<std::string> secret;
  if (!key.empty()) secret = base::read_file(key, largest_certificate_file);
  if (!secret) return std::unexpected(std::move(secret.error()));
  const WipedAtEnd secret_wiped(*secret);
  auto made = Certificate::from_pem(*chain, *secret);
  if (!made) return std::unexpected(std::move(made.error()).in(certificate.string()));
  return made;
}

base::Result<CertificatePtr> read_pfx_file(const std::filesystem::path& pfx,
                                           const std::filesystem::path& password_file) {
  auto content = base::read_file(pfx, largest_certificate_file);
  if (!content) return std::unexpected(std::move(content.error()));
  const WipedAtEnd content_wiped(*content);
  base::Result<std::string> password;
  if (!password_file.empty()) password = base::read_file(password_file, 4096);
  if (!password) return std::unexpected(std::move(password.error()));
  const WipedAtEnd password_wiped(*password);
  std::string_view trimmed = *password;
  while (trimmed.ends_with('\n') || trimmed.ends_with('\r')) trimmed.remove_suffix(1);
  auto made = Certificate::from_pfx(*content, trimmed);
  if (!made) return std::unexpected(std::move(made.error()).in(pfx.string()));
  return made;
}

std::vector<std::string> names_in_pem_file(const std::filesystem::path& file) {
  constexpr std::size_t most = 100;
  if (!stamp_of(file).exists()) return {};
  auto text = base::read_file(file, largest_certificate_file);
  if (!text) return {};
  const WipedAtEnd wiped(*text);
  PemContents contents;
  (void)read_pem(*text, contents);  // of what is damaged, what comes before the damage
  const auto leaf = std::ranges::find_if_not(contents.certificates, is_authority);
  if (leaf == contents.certificates.end()) return {};
  const base::X509Ptr certificate = parse_without_key(*leaf);
  if (!certificate) return {};
  const Facts facts = read_facts(certificate.get(), *leaf);
  std::vector<std::string> names = facts.dns_names;
  names.insert(names.end(), facts.ip_addresses.begin(), facts.ip_addresses.end());
  names.resize(std::min(names.size(), most));
  return names;
}

PemKind kind_of_pem(std::string_view text) {
  if (text.find("-----BEGIN ") == std::string_view::npos) return PemKind::other;
  PemContents contents;
  // What is damaged is somebody's certificate all the same, and is worth a line in the status.
  if (!read_pem(text, contents) && contents.certificates.empty()) return PemKind::leaf_without_key;
  if (contents.certificates.empty()) return PemKind::other;
  if (!contents.keys.empty() || contents.has_encrypted_key) return PemKind::leaf_with_key;
  return std::ranges::all_of(contents.certificates, is_authority) ? PemKind::authorities : PemKind::leaf_without_key;
}

}  // namespace certstore
