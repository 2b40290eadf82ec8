#include "app/secret_mirror.h"

#include <utility>

#include <fmt/format.h>

#include "acme/json_fields.h"
#include "certstore/secret_bytes.h"
#include "kube/resource.h"
#include "kube/wipe_data.h"

namespace app {
namespace {

using What = azure::MirrorState::What;

constexpr std::size_t longest_problem = 300;
constexpr unsigned most_attempts = 3;  // where others write at the same time

std::string refusal_of(const kube::ObjectName& name, const kube::ServedCopy& copy) {
  return fmt::format(
      "there is a Secret {} that sekisho has not written as a copy: delete it, or annotate it with {}={} to hand it "
      "over, where no Certificate is issued into it",
      to_string(name), kube::served_copy::of, copy.certificate_name);
}

}  // namespace

SecretMirror::SecretMirror(kube::Client& client, std::string name_space)
    : client_(client), name_space_(std::move(name_space)), where_("Secrets of namespace " + name_space_) {}

azure::MirrorOutcome SecretMirror::reconcile(const std::vector<azure::MirrorItem>& wanted,
                                             const std::stop_token& stop) {
  azure::MirrorOutcome outcome;
  for (const azure::MirrorItem& item : wanted) {
    if (stop.stop_requested()) return outcome;
    if (!item.refusal.empty()) continue;
    auto kept = keep(item, stop);
    if (kept) {
      outcome.items.emplace(item.name, *std::move(kept));
      continue;
    }
    const kube::ApiFailure& failure = kept.error();
    const Finding finding{failure.forbidden() ? What::refused : What::behind,
                          acme::shown(failure.error.what, longest_problem)};
    outcome.items.emplace(item.name, finding);
    if (failure.status != 0 && failure.status < 500) continue;
    // The others would be told the same.
    outcome.blind = true;
    outcome.again = failure.retry_after;
    outcome.say_of_others(wanted, finding);
    return outcome;
  }
  return outcome;
}

// Somebody may write it between our look and our word; what stands there then is looked at as anew.
kube::Outcome<azure::MirrorOutcome::Finding> SecretMirror::keep(const azure::MirrorItem& item,
                                                                const std::stop_token& stop) {
  kube::ServedCopy copy{.certificate_name = item.certificate_name,
                        .chain_pem = item.certificate->chain_pem(),
                        .key_pem = item.certificate->key_pem(),
                        .fingerprint = item.certificate->fingerprint()};
  const certstore::WipedAtEnd wipe_key(copy.key_pem);
  const kube::ObjectName name{name_space_, item.name};
  auto kept = keep_once(copy, name, stop);
  for (unsigned more = most_attempts - 1; more > 0 && !kept && kept.error().conflict(); --more) {
    kept = keep_once(copy, name, stop);
  }
  return kept;
}

kube::Outcome<azure::MirrorOutcome::Finding> SecretMirror::keep_once(const kube::ServedCopy& copy,
                                                                     const kube::ObjectName& name,
                                                                     const std::stop_token& stop) {
  auto there = client_.get(kube::resources::secrets, name, stop);
  if (!there && !there.error().not_found()) return std::unexpected(std::move(there.error()));
  if (there) {
    const bool in_step = kube::holds(*there, copy);
    const bool ours = kube::takes_copies(*there);
    kube::wipe_data(*there);
    if (in_step) return Finding{What::in_step};
    if (!ours) return Finding{What::refused, refusal_of(name, copy)};
  }
  nlohmann::json words = there ? kube::patch_with(copy, *there) : kube::secret_with(copy, name);
  auto written = there ? client_.merge(kube::resources::secrets, name, words, {}, stop)
                       : client_.create(kube::resources::secrets, words, stop);
  kube::wipe_data(words);
  if (!written) return std::unexpected(std::move(written.error()));
  kube::wipe_data(*written);
  return Finding{What::in_step};
}

}  // namespace app
