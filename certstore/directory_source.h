// DirectorySource: every certificate in a directory, watched. For Kubernetes and CSI mounts, and for plain folders.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "certstore/certificate_files.h"
#include "certstore/folder_listing.h"
#include "certstore/source.h"
#include "config/config.h"
#include "config/watch.h"

namespace certstore {

// What counts as a certificate:
//  - NAME.crt, NAME.pem, NAME.cer (tls.crt is one) with its key in NAME.key or in the same file;
//  - NAME with its key in NAME.key or in the same file: an objectAlias of the CSI driver without extension;
//  - NAME.pfx, NAME.p12, its password in NAME.password or none.
// Files of authorities (ca.crt) and what is no certificate (other secrets of a mount) are left alone. Hidden files are
// skipped, subdirectories not entered, symbolic links followed. After a change only those files are read whose stamp is
// another, and only those are looked at that the watch has named, if it has.
class DirectorySource final : public Source {
 public:
  DirectorySource(config::DirectoryCertificates directory, bool is_default, config::FileWatch::Options options = {});

  [[nodiscard]] std::string name() const override;
  void start(Report report) override;
  // Looks at the directory again and reports, as after an event. Any thread after start(). Blocking.
  void refresh();

 private:
  struct Slot {
    FileStamp certificate;
    FileStamp companion;  // key or password
    base::Result<CertificatePtr> result;
    bool ignored = false;  // looked at, and none of ours
  };
  using Names = std::set<std::string>;
  // All of these with mutex_ held.
  void changed(const std::vector<std::filesystem::path>& paths);
  void read();
  void read_some(const Names& files);
  void take_failure(const base::Error& unreadable);
  void read_slot(const std::string& name, const FolderListing& listing);
  void lose_slot(const std::string& name, const FolderListing& listing);
  [[nodiscard]] Slot load(const std::string& name, const std::string& companion, bool known) const;
  [[nodiscard]] Candidate candidate(const std::string& name, base::Result<CertificatePtr> result) const;
  void tell();

  const std::filesystem::path directory_;
  const bool is_default_;
  const config::FileWatch::Options options_;
  std::mutex mutex_;  // the first read and the watch's thread
  Report report_;
  std::map<std::string, Slot> slots_;  // by the name of the certificate's file
  Names again_;                        // those that could not be opened
  Names touched_;                      // slots that are to be reported
  bool tell_everything_ = true;
  std::unique_ptr<config::FileWatch> watch_;  // last: its thread uses the rest
};

}  // namespace certstore
