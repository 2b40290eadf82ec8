// SecretSource: the certificates of TLS Secrets, as the translator says which are shown for which hosts.
#pragma once

#include <string>
#include <string_view>

#include "certstore/source.h"
#include "kube/changes.h"

namespace kube {

class SecretSource final : public certstore::Source {
 public:
  static constexpr std::string_view source_name = "kubernetes secrets";

  [[nodiscard]] std::string name() const override { return std::string(source_name); }
  // Nothing is there before the first take().
  void start(certstore::Report report) override { report_ = std::move(report); }

  // Hands on what changed. A Secret that is bad or gone while an Ingress still names it keeps its last good
  // certificate. One thread, after start().
  void take(const Changes& changes);

 private:
  certstore::Report report_;
};

}  // namespace kube
