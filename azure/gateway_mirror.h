// GatewayMirror: one Application Gateway that is to hold what we serve, written through ARM, which knows only the whole
// of it and keeps nobody from writing what another has just changed: what is there is read, compared, changed in our
// parts alone, written, and read again.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "azure/client.h"
#include "azure/gateway_plan.h"
#include "azure/mirror.h"
#include "azure/tokens.h"

namespace azure {

class GatewayMirror final : public Mirror {
 public:
  struct Options {
    std::string resource_manager;  // URL without a slash at the end
    std::string resource_id;
    TokenRequest token;
    std::string vault;  // URL; empty: certificates are uploaded
    std::vector<std::string> listeners;
    std::string only = {};  // as in GatewayRules
    std::string name_prefix;
    std::chrono::seconds prune_after{0};  // 0: never
    Client::Wait wait = {};               // empty: base::wait_for
    // The fingerprint of what the gateway's listeners show for a name; empty: they cannot be asked.
    std::function<base::Result<std::string>(const std::string& server_name, const std::stop_token& stop)> probe = {};
    std::chrono::milliseconds longest_operation{std::chrono::minutes(60)};
    // What an operation of others has left failed is written anew at once, and then no more often than this.
    std::chrono::milliseconds mend_again{std::chrono::minutes(30)};
  };

  GatewayMirror(std::shared_ptr<Client> client, Options options);

  [[nodiscard]] const std::string& where() const override { return where_; }
  [[nodiscard]] MirrorOutcome reconcile(const std::vector<MirrorItem>& wanted, const std::stop_token& stop) override;

 private:
  enum class Next : std::uint8_t { look_again, done };
  // One way from reading to the end of a write.
  struct Round {
    const std::vector<MirrorItem>& items;
    std::vector<GatewayWant> wanted;
    MirrorOutcome& outcome;
    unsigned writes = 0;  // of ours that succeeded
  };
  [[nodiscard]] GatewayWant want_of(const MirrorItem& item) const;
  [[nodiscard]] Next run(Round& round, const std::stop_token& stop);
  [[nodiscard]] Outcome<GatewayDocument> read(const std::stop_token& stop);
  [[nodiscard]] std::map<std::string, UploadedPfx> uploads_for(const GatewayPlan& plan, Round& round);
  [[nodiscard]] Next write(const SecretText& body, const GatewayPlan& plan, Round& round, const std::stop_token& stop);
  [[nodiscard]] Next failed_write(AzureFailure failure, Round& round, const std::stop_token& stop);
  struct Ended {
    std::string status;
    std::string problem;
  };
  [[nodiscard]] Ended await(std::string url, std::chrono::milliseconds first, const std::stop_token& stop);
  [[nodiscard]] GatewayPlan plan_for(const GatewayDocument& there, const Round& round);
  void remember(const GatewayPlan& plan, const Round& round);
  [[nodiscard]] std::string contest(const GatewayDocument& there) const;
  void settle(const GatewayDocument& there, const GatewayPlan& plan, Round& round, const std::stop_token& stop) const;
  [[nodiscard]] MirrorOutcome::Finding asked(const GatewayWant& want, MirrorOutcome::Finding finding,
                                             const std::stop_token& stop) const;
  [[nodiscard]] std::string url() const;

  const std::shared_ptr<Client> client_;
  const Options options_;
  const std::string where_;
  std::map<std::string, std::string> held_;               // name to fingerprint, as it was when we looked or wrote last
  std::map<std::string, std::string> written_;            // the same, by writes of ours alone
  bool failed_ = false;                                   // the last write of ours that came to an end
  std::optional<base::SystemTime> mended_;                // when we began to write anew what others had left failed
  std::map<std::string, base::SystemTime> unused_since_;  // of those that are to be pruned
  std::vector<base::SystemTime> taken_;                   // when somebody else had changed what was ours
};

}  // namespace azure
