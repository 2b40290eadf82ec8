// ChallengeSecret: the challenges of all replicas as the data of one Secret, and a generation that grows with each
// change. Pure but for the time that it is told.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "certstore/certificate.h"
#include "certstore/challenges.h"
#include "kube/resource.h"

namespace kube {

class ChallengeSecret {
 public:
  static constexpr std::size_t largest = 900U << 10U;  // of all entries, as they are written; a Secret may have 1 MiB
  static constexpr std::chrono::hours longest_life{24};

  // One without entries.
  explicit ChallengeSecret(const ObjectName& name);
  // As the server has it.
  explicit ChallengeSecret(nlohmann::json object) : object_(std::move(object)) {}

  // Errors: invalid (a name that none may have), overloaded (there are too many).
  [[nodiscard]] base::Result<void> add_http01(const std::string& token, const std::string& key_authorization,
                                              base::SystemTime now);
  [[nodiscard]] base::Result<void> add_tls_alpn01(const std::string& server_name,
                                                  const certstore::Certificate& certificate, base::SystemTime now);
  // Whether there was one.
  bool remove_http01(const std::string& token);
  bool remove_tls_alpn01(const std::string& server_name);
  // Takes away what is older than a day (a replica that was killed left it), and makes the generation larger.
  void change(base::SystemTime now);

  [[nodiscard]] std::uint64_t generation() const;
  // What does not read as an entry is left out.
  [[nodiscard]] certstore::Challenges challenges() const;
  [[nodiscard]] const nlohmann::json& object() const noexcept { return object_; }

 private:
  [[nodiscard]] base::Result<void> add(const std::string& key, const nlohmann::json& entry);
  bool remove(const std::string& key);
  [[nodiscard]] nlohmann::json& data();

  nlohmann::json object_;
};

// A number in an annotation of an object; 0: there is none.
[[nodiscard]] std::uint64_t generation_in(const nlohmann::json& object, std::string_view annotation);

}  // namespace kube
