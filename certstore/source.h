// Source: where certificates come from. Implemented by certstore/file_source (files and directories), later by acme,
// kube and azure.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "certstore/certificate.h"

namespace certstore {

// One thing that a source holds: a certificate, or why there is none.
struct Candidate {
  std::string id;  // stable within the source: "files:app.crt", "directory:/mnt/secrets-store/tls.crt"
  base::Result<CertificatePtr> certificate;
  // For x509_cert_* metrics; unused ones stay empty.
  std::string file_path;
  bool is_default = false;
  bool stand_in = false;  // shown only where nothing else that is valid can be, not even a wildcard
  // The only names that it may be shown for, as far as they are its own; none: all that it has. It is no fallback then.
  std::optional<std::vector<std::string>> only_for = std::nullopt;
};

// What a source tells the Store. A candidate that is missing where everything is told, or that is said to be gone, was
// taken away (file deleted) and the Store lets go of it, after a while in which it may come back. A source that cannot
// read reports its candidates as failed instead, and the Store keeps their last good certificates.
struct Change {
  // Everything the source holds now.
  Change() = default;
  Change(std::vector<Candidate> all) : candidates(std::move(all)) {}  // NOLINT(google-explicit-constructor)
  Change(std::initializer_list<Candidate> all) : candidates(all) {}   // NOLINT(google-explicit-constructor)
  // These candidates have changed or come, these ids have gone; the others are as last reported.
  [[nodiscard]] static Change some(std::vector<Candidate> changed, std::vector<std::string> gone) {
    Change change(std::move(changed));
    change.gone = std::move(gone);
    change.extent = Extent::some;
    return change;
  }

  enum class Extent : std::uint8_t { everything, some };
  Extent extent = Extent::everything;
  std::vector<Candidate> candidates;
  std::vector<std::string> gone;       // with Extent::some only
  std::vector<std::string> withdrawn;  // the same, and not shown for another moment: others may have the key
};

using Report = std::function<void(Change)>;

class Source {
 public:
  virtual ~Source() = default;
  // For status: "files app.crt", "directory /mnt/secrets-store".
  [[nodiscard]] virtual std::string name() const = 0;
  // Reads everything once, reports everything before it returns, and from then on reports whenever something changed,
  // from a thread of its own, one call at a time. Called once. Blocking.
  virtual void start(Report report) = 0;
};

}  // namespace certstore
