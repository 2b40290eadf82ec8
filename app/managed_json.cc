#include "app/managed_json.h"

#include <string>

#include "app/observation.h"
#include "base/timestamps.h"

namespace app {
namespace {

using Json = nlohmann::ordered_json;

Json order_json(const acme::OrderProgress& order) {
  Json authorizations = Json::array();
  for (const acme::AuthorizationProgress& one : order.authorizations) {
    authorizations.push_back({{"name", (one.wildcard ? "*." : "") + one.identifier.value},
                              {"status", one.status},
                              {"challenge", config::to_string(one.challenge)},
                              {"challenge_status", one.challenge_status},
                              {"problem", one.problem}});
  }
  return {{"step", acme::to_string(order.step)},
          {"issuer", order.issuer},
          {"url", order.url},
          {"status", order.status},
          {"authorizations", std::move(authorizations)}};
}

}  // namespace

Json managed_json(const acme::ManagedCertificate& managed) {
  Json one{{"name", managed.name},
           {"hosts", managed.hosts},
           {"issuer", managed.issuer},
           {"issuer_kind", managed.issuer_kind},
           {"issued_by", managed.issued_by},
           {"state", acme::to_string(managed.state)},
           {"detail", managed.detail},
           {"next_action", managed.next_action ? Json(base::to_rfc3339(*managed.next_action)) : Json()},
           {"next_action_reason", managed.next_action_reason},
           {"failures", managed.failures},
           {"problem", managed.problem},
           {"problem_type", managed.problem_type},
           {"failed_at", managed.failed_at ? Json(base::to_rfc3339(*managed.failed_at)) : Json()},
           {"on_demand", managed.on_demand}};
  if (managed.window) {
    one["window"] = {{"start", base::to_rfc3339(managed.window->info.start)},
                     {"end", base::to_rfc3339(managed.window->info.end)},
                     {"chosen", base::to_rfc3339(managed.window->chosen)},
                     {"poll_again", base::to_rfc3339(managed.window->poll_again)},
                     {"explanation_url", managed.explanation_url}};
  }
  if (managed.order) one["order"] = order_json(*managed.order);
  return one;
}

}  // namespace app
