// ChallengeTable: what the CA has to find on every process of this fleet. A shared folder on a plain host, a Secret in
// a cluster.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "certstore/certificate.h"
#include "certstore/challenges.h"

namespace acme {

class ChallengeTable {
 public:
  virtual ~ChallengeTable() = default;
  // Return when every process answers so (RFC 8555 §8.3). Errors: io, timeout, cancelled. Blocking.
  [[nodiscard]] virtual base::Result<void> put_http01(const std::string& token, const std::string& key_authorization,
                                                      std::stop_token stop) = 0;
  // RFC 8737 §3. `server_name` as in Identifier::alpn_server_name().
  [[nodiscard]] virtual base::Result<void> put_tls_alpn01(const std::string& server_name,
                                                          const certstore::CertificatePtr& certificate,
                                                          std::stop_token stop) = 0;
  // Those that are not there are no error.
  virtual void remove_http01(const std::string& token) = 0;
  virtual void remove_tls_alpn01(const std::string& server_name) = 0;
};

// Files in a folder that processes share; each of them watches it. Entries older than a day are swept away: a process
// that was killed left them.
class FolderChallengeTable final : public ChallengeTable {
 public:
  // Hands the whole table over and returns when this process's own workers answer from it. Called from the table's
  // threads, one call at a time; the first time in the constructor.
  using Publish = std::function<void(std::shared_ptr<const certstore::Challenges>)>;

  FolderChallengeTable(std::filesystem::path folder, Publish publish);
  ~FolderChallengeTable() override;
  [[nodiscard]] base::Result<void> put_http01(const std::string& token, const std::string& key_authorization,
                                              std::stop_token stop) override;
  [[nodiscard]] base::Result<void> put_tls_alpn01(const std::string& server_name,
                                                  const certstore::CertificatePtr& certificate,
                                                  std::stop_token stop) override;
  void remove_http01(const std::string& token) override;
  void remove_tls_alpn01(const std::string& server_name) override;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace acme
