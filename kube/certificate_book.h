// CertificateBook: which certificates Ingresses ask for. Of several that name the same Secret the oldest decides. One
// thread.
#pragma once

#include <map>
#include <set>

#include "kube/changes.h"
#include "kube/host_book.h"
#include "kube/notice_board.h"

namespace kube {

class CertificateBook {
 public:
  void add(const PlanPtr& plan);
  void remove(const PlanPtr& plan);
  // Adds to `changes` what differs since the last call.
  void take(Changes& changes, NoticeBoard& notices);

 private:
  std::map<ObjectName, std::map<Seniority, WantedCertificate>> wanted_;  // by Secret
  std::map<ObjectName, WantedCertificate> published_;
  std::set<ObjectName> touched_;
};

}  // namespace kube
