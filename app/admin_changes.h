// AdminChanges: the requests to the admin endpoint that change something, and what they take along to be allowed to.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "acme/manager.h"
#include "app/admin_endpoint.h"
#include "app/errands.h"

namespace app {

// POST /api/certificates/NAME/renew, POST /api/certificates/NAME/revoke[?reason=N], POST /api/issuers/NAME/rollover,
// POST /api/issuers/NAME/deactivate, POST /api/doctor, POST and OPTIONS /api/events/key-vault (from Event
// Grid); GET /api/errands/NUMBER for the answers of those that take their time. One thread.
class AdminChanges {
 public:
  using Examine = std::function<std::vector<acme::Finding>(std::stop_token)>;
  struct Options {
    std::function<acme::Manager*()> manager;  // null: nothing is issued here
    Examine findings;                         // what `doctor` says besides; may block
    // What it says of a cluster or of Azure, as things are now; gives null where there is neither. The examination may
    // block. No function: never either.
    std::function<Examine()> elsewhere = {};
    // A certificate or secret of a vault has changed: how many sources look now. Null: none can.
    std::function<std::size_t(std::string_view vault_url, std::string_view object)> look = {};
    bool needs_token = true;           // the endpoint can be reached from elsewhere
    std::filesystem::path token_file;  // read for each request, so that it can be replaced; empty: there is none
  };
  explicit AdminChanges(Options options) : options_(std::move(options)) {}

  // Nothing: the request is none of these. The request is attacker controlled.
  [[nodiscard]] std::optional<AdminAnswer> answer(const AdminRequest& request);

 private:
  [[nodiscard]] std::optional<AdminAnswer> refusal_of(const AdminRequest& request) const;
  [[nodiscard]] AdminAnswer begin(Errands::Work work);
  [[nodiscard]] AdminAnswer permission_to_deliver(const AdminRequest& request) const;
  [[nodiscard]] AdminAnswer take_events(const AdminRequest& request) const;

  Options options_;
  Errands errands_;
};

}  // namespace app
