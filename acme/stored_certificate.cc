#include "acme/stored_certificate.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "base/json.h"
#include "base/timestamps.h"

namespace acme {
namespace {

nlohmann::json to_json(const StoredCertificate& stored) {
  nlohmann::json json{{"fingerprint", stored.certificate->fingerprint()},
                      {"issuer", stored.issuer},
                      {"authority", stored.authority},
                      {"jitter", stored.jitter}};
  if (stored.window) {
    json["window"] = {{"start", base::to_rfc3339(stored.window->info.start)},
                      {"end", base::to_rfc3339(stored.window->info.end)},
                      {"explanation_url", stored.window->info.explanation_url},
                      {"chosen", base::to_rfc3339(stored.window->chosen)},
                      {"poll_again", base::to_rfc3339(stored.window->poll_again)}};
  }
  return json;
}

std::optional<KnownWindow> window_from(const nlohmann::json& json) {
  const auto* window = member(json, "window");
  if (window == nullptr) return std::nullopt;
  const auto start = time_member(*window, "start");
  const auto end = time_member(*window, "end");
  const auto chosen = time_member(*window, "chosen");
  const auto poll_again = time_member(*window, "poll_again");
  if (!start || !end || !chosen || !poll_again) return std::nullopt;
  return KnownWindow{{*start, *end, url_member(*window, "explanation_url")}, *chosen, *poll_again};
}

// Records of another certificate, or unreadable ones, tell nothing.
void read_record(const std::string& text, StoredCertificate& stored) {
  const auto json = parse_json(text);
  if (!json) return;
  const std::string* fingerprint = text_member(*json, "fingerprint");
  if (fingerprint == nullptr || *fingerprint != stored.certificate->fingerprint()) return;
  if (const std::string* issuer = text_member(*json, "issuer")) stored.issuer = *issuer;
  if (const std::string* authority = text_member(*json, "authority")) stored.authority = *authority;
  if (const auto* jitter = member(*json, "jitter"); jitter != nullptr && jitter->is_number()) {
    const double value = jitter->get<double>();
    if (value >= 0 && value < 1) stored.jitter = value;
  }
  stored.window = window_from(*json);
}

}  // namespace

base::Result<std::optional<StoredCertificate>> CertificateShelf::read(const std::string& key) const {
  const auto pem = storage_.read(key + ".pem");
  if (!pem) return std::unexpected(pem.error());
  if (!*pem) return std::nullopt;
  auto certificate = certstore::Certificate::from_pem(**pem, {});
  if (!certificate) return std::unexpected(std::move(certificate.error()).in(key + ".pem"));
  StoredCertificate stored{
      .certificate = std::move(*certificate), .issuer = {}, .authority = {}, .window = std::nullopt};
  const auto record = storage_.read(key + ".json");
  if (record && *record) read_record(**record, stored);
  return stored;
}

base::Result<void> CertificateShelf::write(const std::string& key, const StoredCertificate& stored) {
  if (auto written = write_window(key, stored); !written) return written;
  const std::string pem = stored.certificate->chain_pem() + stored.certificate->key_pem();
  return storage_.write(key + ".pem", pem);
}

base::Result<void> CertificateShelf::write_window(const std::string& key, const StoredCertificate& stored) {
  return storage_.write(key + ".json", base::json_lines(to_json(stored)) + "\n");
}

base::Result<void> CertificateShelf::remove(const std::string& key) {
  if (auto removed = storage_.remove(key + ".pem"); !removed) return removed;
  return storage_.remove(key + ".json");
}

}  // namespace acme
