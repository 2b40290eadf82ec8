#include "kube/mirror.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/base64.h"
#include "certstore/certificate.h"
#include "certstore/facts.h"
#include "certstore/secret_bytes.h"
#include "kube/annotation_values.h"
#include "kube/own_labels.h"

namespace kube {
namespace {

std::string annotation_of(const Metadata& metadata, const char* name) {
  const auto found = metadata.annotations.find(name);
  return found == metadata.annotations.end() ? std::string() : found->second;
}

bool is_mirror(const Metadata& metadata) {
  const auto found = metadata.labels.find(mirrors::label);
  return found != metadata.labels.end() && found->second == "true";
}

// RFC 1123 §2.1 as the API has it.
bool is_label(std::string_view text) {
  constexpr std::size_t longest = 63;
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= longest && text.front() != '-' && text.back() != '-' &&
         std::ranges::all_of(text, fits);
}

// Labels with dots between them. ".." would lead to another path.
bool is_name(std::string_view text) {
  constexpr std::size_t longest = 253;
  if (text.size() > longest) return false;
  for (std::size_t dot = text.find('.'); dot != std::string_view::npos; dot = text.find('.')) {
    if (!is_label(text.substr(0, dot))) return false;
    text.remove_prefix(dot + 1);
  }
  return is_label(text);
}

std::string_view text_of(const certstore::SecretBytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

MirrorDigest digest_of(const Secret& secret) {
  certstore::SecretBytes all;
  for (const auto* part : {&secret.certificate, &secret.key, &secret.ca_certificates}) {
    const std::string size = std::to_string(part->size()) + ' ';
    all.insert(all.end(), size.begin(), size.end());
    all.insert(all.end(), part->begin(), part->end());
  }
  return certstore::sha256(all);
}

void read_targets(const std::string& text, MirrorSource& source) {
  const auto refuse = [&](std::string what) { source.refused.insert(std::move(what)); };
  const ObjectName& own = source.secret.metadata.name;
  for (const std::string& part : parse_list(text)) {
    const auto slash = std::min(part.find('/'), part.size());
    const ObjectName target{part.substr(0, slash), slash == part.size() ? own.name : part.substr(slash + 1)};
    if (!is_label(target.name_space) || !is_name(target.name)) {
      refuse(fmt::format("{}: a part of it is no NAMESPACE or NAMESPACE/NAME", mirrors::to));
    } else if (target.name_space == own.name_space) {
      refuse(fmt::format("{}: {} is its own namespace", mirrors::to, target.name_space));
    } else if (source.targets.size() == mirrors::most_targets) {
      return refuse(fmt::format("{}: more than {} mirrors", mirrors::to, mirrors::most_targets));
    } else {
      source.targets.insert(target);
    }
  }
}

}  // namespace

std::optional<MirrorSource> read_mirror_source(const nlohmann::json& secret) {
  auto read = read_secret(secret);
  if (!read) return std::nullopt;
  const std::string to = annotation_of(read->metadata, mirrors::to);
  if (to.empty() || is_mirror(read->metadata)) return std::nullopt;
  MirrorSource source{.secret = *std::move(read)};
  source.object = reference_to(resources::secrets, source.secret.metadata);
  read_targets(to, source);
  auto certificate = certstore::Certificate::from_pem(text_of(source.secret.certificate), text_of(source.secret.key));
  if (certificate) {
    source.fingerprint = (*certificate)->fingerprint();
    source.digest = digest_of(source.secret);
  } else {
    source.problem = "it holds no certificate with its key: " + certificate.error().what;
  }
  return source;
}

MirrorSight look_at_mirror(const nlohmann::json& secret) {
  using What = MirrorSight::What;
  if (!secret.is_object()) return {};
  const auto read = read_secret(secret);
  if (!read) return {.what = What::foreign};
  const std::string accepted = annotation_of(read->metadata, mirrors::accept_of);
  MirrorSight sight{.what = What::foreign, .accepts = !accepted.empty()};
  if (is_mirror(read->metadata)) {
    sight.what = What::mirror;
    sight.of = annotation_of(read->metadata, mirrors::of);
    // Its owner wants that of another source from now on.
    if (sight.accepts && accepted != sight.of) sight.what = What::prepared;
  } else if (sight.accepts) {
    sight.what = What::prepared;
  }
  if (sight.what == What::prepared) sight.of = accepted;
  sight.fingerprint = annotation_of(read->metadata, mirrors::fingerprint);
  sight.digest = digest_of(*read);
  return sight;
}

bool accepts_mirror(const std::string& annotation, const ObjectName& source) {
  const auto parts = parse_list(annotation);
  return std::ranges::any_of(
      parts, [&](const std::string& part) { return part == source.name_space || part == to_string(source); });
}

nlohmann::json mirror_of(const MirrorSource& source, const ObjectName& target, nlohmann::json before) {
  nlohmann::json mirror = before.is_object() ? std::move(before) : nlohmann::json::object();
  mirror["apiVersion"] = "v1";
  mirror["kind"] = "Secret";
  nlohmann::json& metadata = mirror["metadata"];
  metadata["name"] = target.name;
  metadata["namespace"] = target.name_space;
  metadata["labels"][labels::managed_by] = "sekisho";
  metadata["labels"][mirrors::label] = "true";
  metadata["annotations"][mirrors::of] = to_string(source.secret.metadata.name);
  metadata["annotations"][mirrors::fingerprint] = source.fingerprint;
  if (!mirror.contains("type")) mirror["type"] = source.secret.type.empty() ? "kubernetes.io/tls" : source.secret.type;
  nlohmann::json& data = mirror["data"];
  data["tls.crt"] = base::to_base64(text_of(source.secret.certificate));
  data["tls.key"] = base::to_base64(text_of(source.secret.key));
  if (source.secret.ca_certificates.empty()) {
    data.erase("ca.crt");
  } else {
    data["ca.crt"] = base::to_base64(text_of(source.secret.ca_certificates));
  }
  return mirror;
}

}  // namespace kube
