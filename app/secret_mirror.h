// SecretMirror: Secrets of one namespace that are to hold what is served. Those that sekisho has not written, and that
// nobody has handed over to it, are left alone.
#pragma once

#include <string>

#include "azure/mirror.h"
#include "kube/client.h"
#include "kube/served_secret.h"

namespace app {

class SecretMirror final : public azure::Mirror {
 public:
  // `client` outlives it.
  SecretMirror(kube::Client& client, std::string name_space);

  [[nodiscard]] const std::string& where() const override { return where_; }
  [[nodiscard]] azure::MirrorOutcome reconcile(const std::vector<azure::MirrorItem>& wanted,
                                               const std::stop_token& stop) override;

 private:
  using Finding = azure::MirrorOutcome::Finding;
  [[nodiscard]] kube::Outcome<Finding> keep(const azure::MirrorItem& item, const std::stop_token& stop);
  [[nodiscard]] kube::Outcome<Finding> keep_once(const kube::ServedCopy& copy, const kube::ObjectName& name,
                                                 const std::stop_token& stop);

  kube::Client& client_;
  const std::string name_space_;
  const std::string where_;
};

}  // namespace app
