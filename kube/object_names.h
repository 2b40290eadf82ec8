// Names for the objects that sekisho makes for itself, and for itself among others.
#pragma once

#include <string>
#include <string_view>

namespace kube {

// The host (a Pod's name in a cluster) and something that no other process has: "edge-7d4f-x2p9_5f0c…".
[[nodiscard]] std::string process_identity();

// "PREFIX.READABLE.HASH": a DNS subdomain (RFC 1123 §2.1) of at most 200 characters. What is left of `text` is for
// people, the hash keeps names apart.
[[nodiscard]] std::string object_name_for(std::string_view prefix, std::string_view text);

// The Lease of a lock.
[[nodiscard]] inline std::string lease_name(std::string_view lock) {
  return object_name_for("sekisho-lock", lock);
}

// A label's value: `text` where it may be one, else its hash.
[[nodiscard]] std::string label_value(std::string_view text);

}  // namespace kube
