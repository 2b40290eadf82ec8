// Store: the one mutable owner of certificates. Takes reports from sources, keeps the best certificate for every name
// and the last good one when a source breaks, and hands out a new CertIndex after every change.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "certstore/cert_index.h"
#include "certstore/choice.h"
#include "certstore/source.h"

namespace certstore {

// A line of `sekisho certs`.
struct CertificateStatus {
  std::string source;
  std::string id;
  CertificatePtr serving;      // what of this candidate is in the index; null if nothing
  CertificatePtr certificate;  // its newest good version, in the index or not; null if there was none yet
  std::string problem;         // why the newest version was refused, or a warning; empty: none
  base::SystemTime changed;
  bool is_default = false;
  std::string file_path;
};

class Store {
 public:
  using Publish = std::function<void(std::shared_ptr<const CertIndex>)>;

  // `publish` is called with the lock held, in order, whenever the index changed; it must only hand over.
  Store(const base::Clock& clock, Publish publish);

  // A source that reports into this store, which must outlive it. Its name must be unique: asking again under the same
  // name hands the certificates over to the new reporter, and reports of the old one are ignored from then on.
  [[nodiscard]] Report reporter(const std::string& source_name);
  // The source is no longer configured: its certificates go at once, even the last good ones.
  void forget(const std::string& source_name);

  // Rules, for each name alone:
  //  - a candidate that failed to parse keeps its last good certificate, with `problem` set;
  //  - one that was taken away serves on for `parting` where nothing else valid can, and then goes: a file that is
  //    rewritten by removing it first does not leave its names without a certificate in between;
  //  - a new version that is not valid now does not take the place of an older one that is;
  //  - valid now beats not yet valid beats expired; then the later not_before; then the later not_after;
  //  - a valid wildcard beats an exact name whose certificates are all expired or not yet valid;
  //  - an expired certificate is still served for its names when there is nothing better (and is said to be);
  //  - names that are no host names are dropped, the rest of the certificate is used.
  //  - a stand-in serves only where nothing else that is valid can.
  //  - one that may be shown for some names only is not there for others.
  // The fallback is the best certificate marked as default; with none marked, the first of the first source that may be
  // shown for all its names, so that a client without SNI gets an answer; a stand-in only if there is nothing else.
  [[nodiscard]] std::shared_ptr<const CertIndex> index() const;
  [[nodiscard]] std::vector<CertificateStatus> status() const;
  // The name of the source that holds this very certificate; empty: none any more. Looks through all of them.
  [[nodiscard]] std::string source_of(const Certificate& certificate) const;
  // Choose again by the clock: something may have become valid, or expired, or is to go. Call it every few seconds; it
  // costs what has.
  void tick();

  static constexpr std::chrono::seconds parting{10};

  struct SourceErrors {
    std::string source;
    std::map<base::Code, std::uint64_t> refused;  // by reason; those that never happened are left out
  };
  struct Counters {
    std::uint64_t accepted = 0;  // new versions taken into service
    std::uint64_t refused = 0;
    std::vector<SourceErrors> sources;  // of those that are configured now, one each
  };
  [[nodiscard]] Counters counters() const;

 private:
  struct Held {
    CertificatePtr newest;                // the last version that parsed
    CertificatePtr previous;              // the one before, only while `newest` is not valid and this one is better
    Validity validity = Validity::valid;  // of `newest`, when it was last looked at
    std::string refused;                  // why the newest version did not parse; empty: it did
    base::SystemTime changed;
    std::uint64_t seen = 0;                 // the report of everything that named it last
    std::optional<base::SystemTime> due;    // when tick() has to look at it again
    std::optional<base::SystemTime> parts;  // it was taken away; when it goes
    bool is_default = false;
    bool stand_in = false;
    std::string file_path;
    std::optional<std::vector<std::string>> only_for;
  };
  using HeldById = std::map<std::string, Held>;
  using Entry = HeldById::value_type;
  struct Group {
    std::uint64_t order = 0;     // of the first registration
    std::uint64_t reporter = 0;  // whose reports count
    std::uint64_t reports = 0;
    std::map<base::Code, std::uint64_t> refused;
    HeldById held;
  };
  using Names = std::unordered_set<std::string>;
  using Contenders = std::unordered_map<std::string, std::vector<CertificatePtr>>;  // for each name

  void take(const std::string& source_name, std::uint64_t reporter, Change change);
  // All of these with mutex_ held.
  void take_all(Group& group, std::vector<Candidate> candidates, Names& touched);
  void take_some(Group& group, Change change, Names& touched);
  void take_one(Group& group, Entry& entry, Candidate&& candidate, Names& touched);
  HeldById::iterator take_away(Group& group, HeldById::iterator entry, Names& touched);
  void accept(Held& held, CertificatePtr certificate, Names& touched);
  [[nodiscard]] Contenders& contenders_of(const Held& held) {
    return held.parts || held.stand_in ? last_resorts_ : contenders_;
  }
  // The names under which a certificate of this candidate is looked up.
  template <class Visit>
  static void for_each_name(const Held& held, const Certificate& certificate, Visit visit);
  void enter(const Held& held, const CertificatePtr& certificate, Names& touched);
  void enter(const Held& held, Names& touched);
  void leave(const Held& held, const CertificatePtr& certificate, Names& touched);
  void leave(const Held& held, Names& touched);
  void drop(Entry& entry, Names& touched);  // before it is erased
  void let_go(base::SystemTime now, Names& touched);
  void schedule(Entry& entry, base::SystemTime now);
  void look_again(Entry& entry, base::SystemTime now, Names& touched);
  void rebuild(Names touched);  // chooses again for these names only
  [[nodiscard]] CertPair choose_for(const std::string& name, base::SystemTime now);
  [[nodiscard]] CertPair choose_fallback(const CertIndex& index, base::SystemTime now) const;
  [[nodiscard]] static bool may_be_shown(const Held& held);
  [[nodiscard]] bool is_served(const Held& held, const CertificatePtr& certificate) const;
  [[nodiscard]] CertificateStatus status_of(const std::string& source, const std::string& id, const Held& held) const;

  const base::Clock& clock_;
  Publish publish_;
  mutable std::mutex mutex_;
  std::map<std::string, Group> sources_;
  Contenders contenders_;
  Contenders last_resorts_;                            // stand-ins, and what was taken away
  std::set<std::pair<base::SystemTime, Entry*>> due_;  // entries of sources_, by Held::due
  base::SystemTime looked_{};                          // the time of the last tick
  std::unordered_set<const Held*> defaults_;           // those that are marked as default
  Names ailing_;  // exact names without a valid certificate of their own: a wildcard may stand in for them
  std::uint64_t next_number_ = 0;
  std::shared_ptr<const CertIndex> index_;
  std::uint64_t accepted_ = 0, refused_ = 0;
};

}  // namespace certstore
