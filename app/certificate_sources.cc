#include "app/certificate_sources.h"

#include <algorithm>
#include <set>
#include <utility>

#include "certstore/directory_source.h"
#include "certstore/file_source.h"

namespace app {

CertificateSources::CertificateSources(certstore::Store& store, Make make) : store_(store), make_(std::move(make)) {}

CertificateSources::~CertificateSources() = default;

void CertificateSources::add(std::unique_ptr<certstore::Source> source) {
  source->start(store_.reporter(source->name()));
  lasting_.push_back(std::move(source));
}

void CertificateSources::apply(const std::vector<config::CertificateSource>& wanted) {
  std::vector<Running> next;
  std::vector<certstore::Source*> fresh;
  for (const config::CertificateSource& config : wanted) {
    if (std::ranges::find(next, config, &Running::config) != next.end()) continue;  // said twice
    const auto known = std::ranges::find_if(
        running_, [&](const Running& running) { return running.source && running.config == config; });
    if (known != running_.end()) {
      next.push_back(std::move(*known));
      continue;
    }
    auto source = make_(config);
    if (!source) continue;
    fresh.push_back(source.get());
    next.push_back({config, std::move(source)});
  }

  std::set<std::string> names;
  for (const Running& running : next) names.insert(running.source->name());
  for (Running& old : running_) {
    if (!old.source) continue;
    const std::string name = old.source->name();
    old.source.reset();
    // The same files with other options: the new source takes over, and the last good certificates stay.
    if (!names.contains(name)) store_.forget(name);
  }
  running_ = std::move(next);
  for (certstore::Source* source : fresh) source->start(store_.reporter(source->name()));
}

std::unique_ptr<certstore::Source> make_file_source(const config::CertificateSource& config) {
  if (const auto* files = std::get_if<config::FilesCertificate>(&config.from)) {
    return std::make_unique<certstore::FileSource>(*files, config.is_default);
  }
  if (const auto* folder = std::get_if<config::DirectoryCertificates>(&config.from)) {
    return std::make_unique<certstore::DirectorySource>(*folder, config.is_default);
  }
  return nullptr;
}

}  // namespace app
