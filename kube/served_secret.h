// A Secret that holds a copy of what is served, wherever that comes from. Pure.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "certstore/certificate.h"
#include "kube/metadata.h"

namespace kube {

namespace served_copy {

// Which certificate it is a copy of. Whoever sets it on a Secret of their own hands that over.
inline constexpr auto of = "sekisho.io/copy-of";
inline constexpr auto fingerprint = "sekisho.io/copy-fingerprint";

}  // namespace served_copy

// What a copy is made of.
struct ServedCopy {
  std::string certificate_name;
  std::string chain_pem;
  std::string key_pem;  // secret: wiped by whoever made it
  std::string fingerprint;
};

// Whether it may be written: it carries our annotation, and no Certificate is issued into it. `secret` is somebody
// else's.
[[nodiscard]] bool takes_copies(const nlohmann::json& secret);
// Whether it holds this already.
[[nodiscard]] bool holds(const nlohmann::json& secret, const ServedCopy& copy);
// The Secret to create.
[[nodiscard]] nlohmann::json secret_with(const ServedCopy& copy, const ObjectName& name);
// What to merge (RFC 7396) into one that is there: a conflict, unless it is still as `before` was.
[[nodiscard]] nlohmann::json patch_with(const ServedCopy& copy, const nlohmann::json& before);

}  // namespace kube
