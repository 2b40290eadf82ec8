// tls-alpn-01: a certificate that proves control, shown to whoever asks for acme-tls/1. RFC 8737 §3, RFC 8738 §6.
#include <memory>
#include <utility>

#include "acme/solver.h"
#include "certstore/acme_certificate.h"

namespace acme {
namespace {

class TlsAlpn01Solver final : public Solver {
 public:
  explicit TlsAlpn01Solver(ChallengeTable& table) : table_(table) {}
  [[nodiscard]] config::ChallengeType type() const override { return config::ChallengeType::tls_alpn01; }

  [[nodiscard]] base::Result<void> present(const ChallengeTask& task, std::stop_token stop) override {
    auto certificate =
        certstore::make_acme_certificate(task.identifier.value, task.key_authorization, base::system_clock().now());
    if (!certificate) return std::unexpected(std::move(certificate.error()).in("challenge certificate"));
    return table_.put_tls_alpn01(task.identifier.alpn_server_name(), *certificate, std::move(stop));
  }
  base::Result<void> clean_up(const ChallengeTask& task, std::stop_token) override {
    table_.remove_tls_alpn01(task.identifier.alpn_server_name());
    return {};
  }

 private:
  ChallengeTable& table_;
};

}  // namespace

std::unique_ptr<Solver> make_tls_alpn01_solver(ChallengeTable& table) {
  return std::make_unique<TlsAlpn01Solver>(table);
}

}  // namespace acme
