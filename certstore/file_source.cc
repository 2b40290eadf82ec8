#include "certstore/file_source.h"

#include <utility>
#include <vector>

namespace certstore {

FileSource::FileSource(config::FilesCertificate files, bool is_default, config::FileWatch::Options options)
    : files_(std::move(files)), is_default_(is_default), options_(options) {}

const std::filesystem::path& FileSource::main_path() const {
  return files_.pfx.empty() ? files_.certificate : files_.pfx;
}

std::string FileSource::name() const {
  return "files " + main_path().string();
}

void FileSource::start(Report report) {
  const std::lock_guard lock(mutex_);
  report_ = std::move(report);
  std::vector<std::filesystem::path> paths;
  for (const auto& path : {files_.certificate, files_.key, files_.pfx, files_.password_file}) {
    if (!path.empty()) paths.push_back(path);
  }
  // Watched before it is read: a change in between is seen, and waits for the lock.
  watch_ = std::make_unique<config::FileWatch>(
      paths,
      [this](const std::vector<std::filesystem::path>& /*changed*/) {
        const std::lock_guard held(mutex_);
        read();
      },
      options_);
  read();
}

void FileSource::read() {
  const bool is_pfx = !files_.pfx.empty();
  const auto& second = is_pfx ? files_.password_file : files_.key;
  const Stamps stamps{stamp_of(main_path()), second.empty() ? FileStamp{} : stamp_of(second)};
  const bool all_there = stamps.certificate.exists() && (second.empty() || stamps.key.exists());
  if (all_there && stamps == read_) return;
  read_ = stamps;
  auto certificate = is_pfx ? read_pfx_file(files_.pfx, second) : read_pem_files(files_.certificate, second);
  // What could not be opened is tried again at every event: permissions change without a new stamp on some file
  // systems.
  if (!certificate && certificate.error().code != base::Code::invalid) read_ = {};
  std::vector<Candidate> candidates;
  candidates.push_back({.id = "files:" + main_path().string(),
                        .certificate = std::move(certificate),
                        .file_path = main_path().string(),
                        .is_default = is_default_});
  report_(std::move(candidates));
}

}  // namespace certstore
