#include "app/issued_certificates.h"

#include <algorithm>

#include "app/issuer_findings.h"
#include "certstore/choice.h"

namespace app {
namespace {

constexpr std::string_view source_name = "issuers";

// So long ago that any certificate that a real issuer has made is newer, and so is preferred.
constexpr std::chrono::hours interim_age{24 * 365};
constexpr std::chrono::hours interim_lifetime{24 * 30};

certstore::CertPair pair_for(const certstore::CertIndex& index, const std::string& host) {
  const certstore::CertPair* pair = host.starts_with("*.") ? index.exact(host) : index.find(host);
  return pair == nullptr ? certstore::CertPair{} : *pair;
}

}  // namespace

// In the order in which each needs what stands before it.
struct IssuedCertificates::Running {
  Running(const std::filesystem::path& folder, acme::FolderChallengeTable::Publish publish)
      : storage(folder), locks(folder / "locks"), challenges(folder / "challenges", std::move(publish)) {}
  acme::FolderStorage storage;
  acme::FolderLocks locks;
  acme::FolderChallengeTable challenges;
  std::optional<acme::Manager> manager;
  std::optional<config::FileWatch> watch;
};

IssuedCertificates::IssuedCertificates(Options options) : options_(std::move(options)) {}

// The manager's threads come back here, by way of the store, until they are joined.
IssuedCertificates::~IssuedCertificates() {
  {
    const std::lock_guard lock(mutex_);
    manager_ = nullptr;
  }
  running_.reset();
}

acme::Manager* IssuedCertificates::manager() const {
  const std::lock_guard lock(mutex_);
  return manager_;
}

void IssuedCertificates::apply(const config::Config& config) {
  auto issued = certificates_to_get(config);
  const bool first = running_ == nullptr;
  if (first && issued.empty()) return;
  if (first) begin();
  running_->manager->configure(std::move(issued), config.issuers);
  if (first) running_->manager->start(options_.store.reporter(std::string(source_name)));
}

void IssuedCertificates::begin() {
  const std::filesystem::path folder = options_.state_directory / "acme";
  auto running = std::make_unique<Running>(folder, [this](std::shared_ptr<const certstore::Challenges> challenges) {
    const bool wait = challenges && !challenges->empty() && manager() != nullptr;
    options_.publish_challenges(std::move(challenges));
    if (wait) options_.wait_until_taken();
  });
  running->manager.emplace(
      acme::Manager::Options{.storage = running->storage,
                             .locks = running->locks,
                             .challenges = running->challenges,
                             .clock = options_.clock,
                             .elsewhere = [this](const std::vector<std::string>& hosts) { return elsewhere(hosts); },
                             .interim = [this](const std::vector<std::string>& hosts) { return interim(hosts); },
                             .withhold = options_.withhold,
                             .azure_zones = options_.azure_zones});
  // Another process on the same folder may issue or renew: its certificates are ours as well.
  const auto changed = [manager = &*running->manager, folder](const std::vector<std::filesystem::path>& paths) {
    for (const std::filesystem::path& path : paths) {
      if (path.extension() == ".pem") manager->storage_changed(path.stem().string());
      // What must not be served any more is nobody's file name.
      if (path == folder / "certificates" || path.parent_path() == folder / "revoked" || path == folder / "revoked")
        manager->storage_changed({});
    }
  };
  config::FileWatch::Options watching;
  watching.detail = config::FileWatch::Detail::files;
  running->watch.emplace(std::vector{folder / "certificates", folder / "revoked"}, changed, watching);
  const std::lock_guard lock(mutex_);
  running_ = std::move(running);
  manager_ = &*running_->manager;
}

// Good now for every host, and not from here.
std::pair<certstore::CertificatePtr, std::string> IssuedCertificates::elsewhere(
    const std::vector<std::string>& hosts) const {
  const auto index = options_.store.index();
  const base::SystemTime now = options_.clock.now();
  std::pair<certstore::CertificatePtr, std::string> first_to_end;
  for (const std::string& host : hosts) {
    const certstore::CertPair pair = pair_for(*index, host);
    const certstore::CertificatePtr& certificate = pair.ecdsa ? pair.ecdsa : pair.rsa;
    if (!certificate || certstore::validity_at(certificate->facts(), now) != certstore::Validity::valid) return {};
    std::string source = options_.store.source_of(*certificate);
    if (source.empty() || source == source_name) return {};
    if (!first_to_end.first || certificate->facts().not_after < first_to_end.first->facts().not_after) {
      first_to_end = {certificate, std::move(source)};
    }
  }
  return first_to_end;
}

base::Result<certstore::CertificatePtr> IssuedCertificates::interim(const std::vector<std::string>& hosts) {
  const std::lock_guard lock(ca_mutex_);
  if (!local_ca_) {
    auto opened = certstore::LocalCa::open(options_.state_directory / "ca", options_.clock);
    if (!opened) return std::unexpected(std::move(opened.error()));
    local_ca_ = std::move(*opened);
  }
  return local_ca_->issue(hosts, interim_lifetime, interim_age);
}

}  // namespace app
