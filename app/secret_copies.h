// SecretCopies: the Secrets that `sekisho ingress --copy` is to keep as what is served, a loop for each namespace.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/mirror_view.h"
#include "app/observation.h"
#include "azure/mirror_loop.h"
#include "base/clock.h"
#include "kube/client.h"
#include "kube/resource.h"

namespace app {

// What is shown for a host ("www.example.com", "*.example.com"), and the Secret that is to hold it.
struct SecretCopy {
  std::string host;
  kube::ObjectName secret;
  friend bool operator==(const SecretCopy&, const SecretCopy&) = default;
};

class SecretCopies {
 public:
  // `client` and `clock` outlive it.
  SecretCopies(kube::Client& client, const std::vector<SecretCopy>& copies, const base::Clock& clock);

  // What is served now, and whether this replica is the one that writes. Does not wait.
  void look(const Observation& seen);
  [[nodiscard]] std::vector<MirrorView> views() const;  // any thread

 private:
  struct Group {
    std::vector<SecretCopy> copies;
    std::unique_ptr<azure::MirrorLoop> loop;
  };
  std::vector<Group> groups_;  // by namespace
};

}  // namespace app
