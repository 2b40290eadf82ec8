// Labels of the Secrets that sekisho writes: for people, and for tools that back up.
#pragma once

namespace kube::labels {

inline constexpr auto managed_by = "app.kubernetes.io/managed-by";
inline constexpr auto record = "sekisho.io/record";
// "true" on what a restored cluster needs to serve everything without a new order.
inline constexpr auto backup = "sekisho.io/backup";
// "true" on what is worth nothing later, or to nobody but a thief.
inline constexpr auto no_backup = "velero.io/exclude-from-backup";

}  // namespace kube::labels
