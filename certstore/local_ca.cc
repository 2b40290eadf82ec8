#include "certstore/local_ca.h"

#include <system_error>
#include <utility>

#include "base/file.h"
#include "certstore/file_lock.h"
#include "certstore/issuance.h"
#include "certstore/pem.h"
#include "certstore/private_key.h"
#include "certstore/secret_bytes.h"

namespace certstore {
namespace {

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

bool is_there(const std::filesystem::path& file) {
  std::error_code ignored;
  return std::filesystem::exists(file, ignored);
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
  const auto contents = read_pem_file(files.key);
  if (!contents) return std::unexpected(contents.error());
  auto key = first_key(*contents);
  if (!key) return std::unexpected(std::move(key.error()).in(files.key.string()));
  const base::EvpPkeyPtr decoded = decode_private_key(key->pkcs8());
  const base::SystemTime now = clock.now();
  const auto root = make_root("sekisho local CA", decoded.get(), {now - clock_skew, now + root_lifetime});
  if (!root) return std::unexpected(root.error());
  return base::write_file_atomically(files.certificate, write_pem(PEM_STRING_X509, der_of(root->get())));
}

base::Result<LocalCa> LocalCa::load(const std::filesystem::path& folder, const base::Clock& clock) {
  const Files files = files_in(folder);
  auto authority = SigningAuthority::load(files.certificate, files.key);
  if (!authority) return std::unexpected(std::move(authority.error()));
  if (clock.now() > authority->not_after()) {
    return base::fail(base::Code::invalid,
                      files.certificate.string() + ": has expired; remove it to have a new one made");
  }
  return LocalCa(files.certificate, *std::move(authority), clock);
}

base::Result<CertificatePtr> LocalCa::issue(const std::vector<std::string>& names, std::chrono::hours lifetime,
                                            std::chrono::hours age) const {
  const auto fresh = make_p256_key();
  if (!fresh) return std::unexpected(fresh.error());
  const auto key = PrivateKey::parse(pkcs8_of(fresh->get()), KeyLayout::pkcs8);
  if (!key) return std::unexpected(key.error());
  return authority_.issue(names, *key, lifetime + age, clock_->now() - age);
}

}  // namespace certstore
