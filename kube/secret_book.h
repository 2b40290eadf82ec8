// SecretBook: which Secret is shown for which hosts, and what is in it. Only what is shown is parsed; a Secret that
// changes costs itself and its hosts. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kube/changes.h"
#include "kube/host_book.h"
#include "kube/notice_board.h"
#include "kube/secret.h"
#include "kube/vault_claim.h"

namespace kube {

class SecretBook {
 public:
  // Kept only as far as it can be a certificate.
  void upsert(Secret secret);
  void upsert_invalid(const ObjectName& name, std::string problem);
  void remove(const ObjectName& name);

  // What others' objects say of where a Secret's certificate is; none: nothing any more.
  void claim(const ObjectName& name, std::optional<VaultClaim> claim);

  void add(const PlanPtr& plan);
  void remove(const PlanPtr& plan);

  // Adds to `changes` what differs since the last call.
  void take(Changes& changes, NoticeBoard& notices, Work& work);

  // Of vaults, what the calls of take() have found since it was last asked.
  [[nodiscard]] VaultChanges take_vaults() { return std::exchange(vault_changes_, {}); }

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
  // A Secret that nobody has filled, and whose certificate is read elsewhere.
  [[nodiscard]] bool is_elsewhere(const ObjectName& name) const;
  void show_vault(const ObjectName& name, const ServedSecret& served, std::set<Notice>& said);
  void hide(const ObjectName& name, Changes& changes);
  void hide_vault(const ObjectName& name);
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
  std::set<ObjectName> good_;  // of those: have once held a certificate
  std::map<ObjectName, VaultClaim> vaults_;
  std::set<ObjectName> published_vaults_;
  VaultChanges vault_changes_;
  std::set<std::string> touched_hosts_;
  std::set<ObjectName> touched_;
};

}  // namespace kube
