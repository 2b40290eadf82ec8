// FileSource: one certificate in files of its own, watched.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "certstore/certificate_files.h"
#include "certstore/source.h"
#include "config/config.h"
#include "config/watch.h"

namespace certstore {

// Owns its watch and thereby the thread that reports; reports end with its destruction.
class FileSource final : public Source {
 public:
  FileSource(config::FilesCertificate files, bool is_default, config::FileWatch::Options options = {});

  [[nodiscard]] std::string name() const override;
  void start(Report report) override;

 private:
  struct Stamps {
    FileStamp certificate, key;
    friend bool operator==(const Stamps&, const Stamps&) = default;
  };
  void read();  // mutex_ held
  [[nodiscard]] const std::filesystem::path& main_path() const;

  const config::FilesCertificate files_;
  const bool is_default_;
  const config::FileWatch::Options options_;
  std::mutex mutex_;  // the first read and the watch's thread
  Report report_;
  Stamps read_;
  std::unique_ptr<config::FileWatch> watch_;  // last: its thread uses the rest
};

}  // namespace certstore
