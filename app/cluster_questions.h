// ClusterQuestions: what the admin endpoint is asked about a cluster and only the API can answer. The answers take
// their time, so they are got by errands of their own: GET /api/chain?host=HOST begins one and says its number, GET
// /api/chain/NUMBER has the answer.
#pragma once

#include <optional>
#include <string>

#include "app/admin_endpoint.h"
#include "app/errands.h"
#include "app/ingress_control.h"
#include "kube/client.h"

namespace app {

class ClusterQuestions {
 public:
  struct Options {
    kube::Client& client;
    const IngressControl& control;
    Observe observe;
  };
  // What the options name outlives it.
  explicit ClusterQuestions(Options options) : options_(std::move(options)) {}

  // Nothing: the request is none of these. The request is attacker controlled.
  [[nodiscard]] std::optional<AdminAnswer> answer(const AdminRequest& request);

 private:
  // {links: [{what, object, state: good|waiting|bad|unknown, text, next}]}: from the Ingress to what is served.
  [[nodiscard]] base::Result<Errands::Json> chain(const std::string& host, const std::stop_token& stop) const;

  Options options_;
  Errands errands_;  // last: it uses the rest
};

}  // namespace app
