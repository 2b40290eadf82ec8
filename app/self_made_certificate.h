// SelfMadeCertificate: what clients are shown who ask for a name that no certificate is for, as long as nobody has
// named a default. Made anew by each process, in memory.
#pragma once

#include <string>

#include "base/clock.h"
#include "certstore/source.h"

namespace app {

class SelfMadeCertificate final : public certstore::Source {
 public:
  explicit SelfMadeCertificate(const base::Clock& clock) : clock_(clock) {}

  [[nodiscard]] std::string name() const override { return "self-made"; }
  void start(certstore::Report report) override;

 private:
  const base::Clock& clock_;
};

}  // namespace app
