// What an IssuingChart is drawn from, read from the API.
#include <algorithm>
#include <utility>

#include "acme/json_fields.h"
#include "kube/find_object.h"
#include "kube/issuing_chart.h"
#include "kube/secret.h"
#include "kube/wipe_data.h"

namespace kube {
namespace {

constexpr auto certificate_name_annotation = "cert-manager.io/certificate-name";

const nlohmann::json* at(const nlohmann::json& object, std::initializer_list<const char*> path) {
  const nlohmann::json* found = &object;
  for (const char* part : path) {
    found = acme::member(*found, part);
    if (found == nullptr) return nullptr;
  }
  return found;
}

std::string text_at(const nlohmann::json& object, std::initializer_list<const char*> path) {
  const nlohmann::json* found = at(object, path);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}

bool is_owned_by(const nlohmann::json& object, const std::string& kind, const std::string& name) {
  const nlohmann::json* owners = at(object, {"metadata", "ownerReferences"});
  if (owners == nullptr || !owners->is_array()) return false;
  return std::ranges::any_of(*owners, [&](const nlohmann::json& owner) {
    return text_at(owner, {"kind"}) == kind && text_at(owner, {"name"}) == name;
  });
}

base::Result<certstore::CertificatePtr> certificate_in(const nlohmann::json& secret) {
  const auto read = read_secret(secret);
  if (!read) return base::fail(base::Code::invalid, to_string(read.error()));
  if (!read->holds_pair()) return base::fail(base::Code::invalid, "tls.crt or tls.key is missing in it");
  const auto text = [](const certstore::SecretBytes& bytes) {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  return certstore::Certificate::from_pem(text(read->certificate), text(read->key));
}

class Reader {
 public:
  Reader(Client& client, ChartObjects& into, const std::stop_token& stop) : client_(client), into_(into), stop_(stop) {}

  void run() {
    nlohmann::json secret = object(resources::secrets, into_.secret_name);
    if (!secret.is_null()) into_.held = certificate_in(secret);
    wipe_data(secret);
    into_.certificate = certificate();
    issuer();
    if (!into_.certificate.is_null()) orders(text_at(into_.certificate, {"metadata", "name"}));
  }

 private:
  // Null: there is none, or it cannot be read, which is noted.
  nlohmann::json object(const Resource& resource, const ObjectName& name) {
    auto found = find_object(client_, resource, name, stop_);
    if (found) return *std::move(found);
    if (!found.error().not_found()) into_.failures.push_back(std::move(found.error()));
    return nullptr;
  }

  std::vector<nlohmann::json> all(const Resource& resource) {
    auto listed = client_.list(resource, {.name_space = into_.secret_name.name_space}, stop_);
    if (listed) return std::move(listed->items);
    if (listed.error().not_found()) {
      into_.definitions = ChartObjects::Definitions::missing;
    } else {
      into_.failures.push_back(std::move(listed.error()));
    }
    return {};
  }

  // As a rule it has the name of its Secret.
  nlohmann::json certificate() {
    const ObjectName& name = into_.secret_name;
    auto same = object(resources::certificates, name);
    if (!same.is_null() && text_at(same, {"spec", "secretName"}) == name.name) return same;
    for (nlohmann::json& each : all(resources::certificates)) {
      if (text_at(each, {"spec", "secretName"}) == name.name) return std::move(each);
    }
    return nullptr;
  }

  void issuer() {
    std::string name = text_at(into_.certificate, {"spec", "issuerRef", "name"});
    std::string kind = text_at(into_.certificate, {"spec", "issuerRef", "kind"});
    std::string group = text_at(into_.certificate, {"spec", "issuerRef", "group"});
    if (into_.certificate.is_null() && into_.wanted) {
      name = into_.wanted->issuer.name;
      kind = into_.wanted->issuer.kind;
      group = into_.wanted->issuer.group;
    }
    const bool is_known = group.empty() || group == resources::issuers.group;
    if (name.empty() || !is_known) return;
    if (kind == resources::cluster_issuers.kind) {
      into_.issuer = object(resources::cluster_issuers, {"", name});
    } else {
      into_.issuer = object(resources::issuers, {into_.secret_name.name_space, name});
    }
  }

  void orders(const std::string& certificate) {
    const auto is_of_certificate = [&](const nlohmann::json& object) {
      return text_at(object, {"metadata", "annotations", certificate_name_annotation}) == certificate ||
             is_owned_by(object, "Certificate", certificate);
    };
    for (nlohmann::json& order : all(resources::orders)) {
      if (is_of_certificate(order)) into_.orders.push_back(std::move(order));
    }
    for (nlohmann::json& challenge : all(resources::challenges)) {
      // cert-manager's own belong to the Order.
      const bool by_order = std::ranges::any_of(into_.orders, [&](const nlohmann::json& order) {
        return is_owned_by(challenge, "Order", text_at(order, {"metadata", "name"}));
      });
      if (by_order || is_of_certificate(challenge)) into_.challenges.push_back(std::move(challenge));
    }
  }

  Client& client_;
  ChartObjects& into_;
  const std::stop_token& stop_;
};

}  // namespace

ChartObjects read_chart_objects(Client& client, const ObjectName& secret,
                                const std::optional<WantedCertificate>& wanted, const std::stop_token& stop) {
  ChartObjects objects{.secret_name = secret, .wanted = wanted};
  Reader(client, objects, stop).run();
  return objects;
}

}  // namespace kube
