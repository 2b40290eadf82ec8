// SecretBook: which Secret is shown for which hosts, and what is in it. Only what is shown is parsed; a Secret that
// changes costs itself and its hosts. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "kube/changes.h"
#include "kube/host_book.h"
#include "kube/notice_board.h"
#include "kube/secret.h"

namespace kube {

class SecretBook {
 public:
  // Kept only as far as it can be a certificate.
  void upsert(Secret secret);
  void upsert_invalid(const ObjectName& name, std::string problem);
  void remove(const ObjectName& name);

  void add(const PlanPtr& plan);
  void remove(const PlanPtr& plan);

  // Adds to `changes` what differs since the last call.
  void take(Changes& changes, NoticeBoard& notices, Work& work);

  // The Secrets that are shown for some host, there or not.
  [[nodiscard]] std::vector<ObjectName> wanted() const;

 private:
  struct Kept {
    Secret secret;
    std::string problem;  // not empty: it cannot be read
  };
  struct Use {
    std::string host;
    ObjectRef user;
    TlsClaim::Filled filled = TlsClaim::Filled::by_owner;
    friend auto operator<=>(const Use&, const Use&) = default;
  };

  void decide_host(const std::string& host, NoticeBoard& notices);
  void show(const ObjectName& name, Changes& changes, NoticeBoard& notices, Work& work);
  [[nodiscard]] base::Result<certstore::CertificatePtr> read(const ObjectName& name) const;

  std::map<ObjectName, Kept> secrets_;
  struct Claim {
    PlanPtr plan;
    std::vector<const TlsClaim*> of_host;  // of the plan
  };
  std::map<std::string, std::map<Seniority, Claim>> claims_;  // by host
  std::map<std::string, std::set<ObjectName>> shown_;         // by host: what decide_host() chose
  std::map<ObjectName, std::set<Use>> uses_;
  std::set<ObjectName> published_;
  std::set<std::string> touched_hosts_;
  std::set<ObjectName> touched_;
};

}  // namespace kube
