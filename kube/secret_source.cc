#include "kube/secret_source.h"

#include <utility>
#include <vector>

#include "kube/metadata.h"

namespace kube {

void SecretSource::take(const Changes& changes) {
  if (changes.secrets.empty() && changes.secrets_gone.empty()) return;
  std::vector<certstore::Candidate> candidates;
  candidates.reserve(changes.secrets.size());
  for (const auto& [name, served] : changes.secrets) {
    candidates.push_back(
        {.id = to_string(name), .certificate = served.certificate, .file_path = {}, .only_for = served.hosts});
  }
  std::vector<std::string> gone;
  for (const ObjectName& name : changes.secrets_gone) gone.push_back(to_string(name));
  report_(certstore::Change::some(std::move(candidates), std::move(gone)));
}

}  // namespace kube
