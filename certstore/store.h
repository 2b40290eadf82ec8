// Store: the one mutable owner of certificates. Takes reports from sources, keeps the best certificate for every name and
// the last good one when a source breaks, and hands out a new CertIndex after every change.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "certstore/cert_index.h"
#include "certstore/source.h"

namespace certstore {

// A line of `sekisho certs`.
struct CertificateStatus {
  std::string source;
  std::string id;
  CertificatePtr serving;  // what of this candidate is in the index; null if nothing
  std::string problem;     // why the newest version was refused, or a warning; empty: none
  base::SystemTime changed;
  bool is_default = false;
  std::string file_path;
};

class Store {
 public:
  using Publish = std::function<void(std::shared_ptr<const CertIndex>)>;

  // `publish` is called with the lock held, in order, whenever the index changed; it must only hand over.
  Store(const base::Clock& clock, Publish publish);

  // A source that reports into this store. Its name must be unique.
  [[nodiscard]] Report reporter(const std::string& source_name);
  // The source is no longer configured: its certificates go, even the last good ones.
  void forget(const std::string& source_name);

  // Rules, for each name alone:
  //  - a candidate that failed to parse keeps its last good certificate, with `problem` set;
  //  - valid now beats not yet valid beats expired; then the later not_before; then the later not_after;
  //  - an expired certificate is still served for its names when there is nothing better (and is said to be);
  //  - names that are no host names are dropped, the rest of the certificate is used.
  [[nodiscard]] std::shared_ptr<const CertIndex> index() const;
  [[nodiscard]] std::vector<CertificateStatus> status() const;
  // Choose again by the clock: something may have become valid, or expired. Call it every minute.
  void tick();

  struct Counters {
    std::uint64_t accepted = 0;  // new versions taken into service
    std::uint64_t refused = 0;
  };
  [[nodiscard]] Counters counters() const;

 private:
  struct Held;
  void take(const std::string& source_name, std::vector<Candidate> candidates);
  void rebuild();  // mutex_ held

  const base::Clock& clock_;
  Publish publish_;
  mutable std::mutex mutex_;
  std::map<std::string, std::map<std::string, Held>> sources_;
  std::shared_ptr<const CertIndex> index_;
  Counters counters_;
};

}  // namespace certstore
