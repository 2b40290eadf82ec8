// CertificateSources: the sources that run, by what the configuration says of each. One thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "certstore/source.h"
#include "certstore/store.h"
#include "config/config.h"

namespace app {

class CertificateSources {
 public:
  using Make = std::function<std::unique_ptr<certstore::Source>(const config::CertificateSource&)>;

  CertificateSources(certstore::Store& store, Make make);
  ~CertificateSources();  // stops them all; the store keeps what it has

  // From now on exactly these. One that is there already goes on undisturbed, with its certificates; a new one has read
  // everything when this returns; the certificates of a removed one are forgotten. Blocking.
  void apply(const std::vector<config::CertificateSource>& wanted);
  // A source that no configuration names, and that stays.
  void add(std::unique_ptr<certstore::Source> source);

 private:
  struct Running {
    config::CertificateSource config;
    std::unique_ptr<certstore::Source> source;
  };
  certstore::Store& store_;
  Make make_;
  std::vector<Running> running_;
  std::vector<std::unique_ptr<certstore::Source>> lasting_;
};

// Files and directories. Null for what this version cannot read (the configuration is refused before that).
[[nodiscard]] std::unique_ptr<certstore::Source> make_file_source(const config::CertificateSource& config);

}  // namespace app
