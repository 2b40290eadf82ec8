// Mirrors: copies of a certificate's Secret in other namespaces. Who owns the Secret asks for them, who owns the other
// namespace accepts them; neither alone is enough. Pure. All annotations are controlled by whoever may write the
// object.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "kube/metadata.h"
#include "kube/secret.h"

namespace kube {

namespace mirrors {
// On a Secret, or by the secretTemplate of its Certificate: "shop, media/web-tls". Without a name, the same as its own.
inline constexpr auto to = "sekisho.io/mirror-to";
// On a Namespace: the namespaces, or "NAMESPACE/SECRET", from which it takes Secrets.
inline constexpr auto accept_from = "sekisho.io/accept-mirrors-from";
// On a Secret that its owner has put where the mirror is to be: "NAMESPACE/SECRET".
inline constexpr auto accept_of = "sekisho.io/accept-mirror-of";
// What a mirror says of itself.
inline constexpr auto label = "sekisho.io/mirror";
inline constexpr auto of = "sekisho.io/mirror-of";
inline constexpr auto fingerprint = "sekisho.io/mirror-fingerprint";
inline constexpr std::size_t most_targets = 100;  // of one Secret
}  // namespace mirrors

namespace reasons {  // of Events on the Secret that is copied
inline constexpr auto mirrored = "Mirrored";
inline constexpr auto mirror_refused = "MirrorRefused";  // and who has to do what
inline constexpr auto mirror_failed = "MirrorFailed";    // it is tried again
}  // namespace reasons

using MirrorDigest = std::array<std::uint8_t, 32>;  // of all that is copied

struct MirrorSource {
  Secret secret;
  ObjectRef object;
  std::set<ObjectName> targets;
  std::set<std::string> refused;  // of the annotation, a sentence each
  std::string problem;            // why its mirrors are left as they are; empty: nothing against it
  std::string fingerprint;        // of the certificate
  MirrorDigest digest{};
};
// None: it asks for none. A mirror is never the source of others.
[[nodiscard]] std::optional<MirrorSource> read_mirror_source(const nlohmann::json& secret);

// Where a mirror is to be.
struct MirrorSight {
  enum class What : std::uint8_t { absent, mirror, prepared, foreign } what = What::absent;
  std::string of;        // of a mirror: its source; of one that was prepared: what it accepts
  bool accepts = false;  // by its own annotation
  std::string fingerprint;
  MirrorDigest digest{};
  [[nodiscard]] bool is_of(const ObjectName& source) const { return of == to_string(source); }
};
[[nodiscard]] MirrorSight look_at_mirror(const nlohmann::json& secret);

// Whether a namespace with this annotation takes this Secret.
[[nodiscard]] bool accepts_mirror(const std::string& annotation, const ObjectName& source);

// As it is written. `before`: as the server has it, of which all else is kept; null: there is none. The caller wipes
// it.
[[nodiscard]] nlohmann::json mirror_of(const MirrorSource& source, const ObjectName& target, nlohmann::json before);

}  // namespace kube
