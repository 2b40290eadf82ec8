#include <algorithm>
#include <utility>

#include "config/sections.h"

namespace config {
namespace {

FilesCertificate read_files(const Value& value) {
  const Mapping map(value, keys::certificate_files);
  FilesCertificate files;
  files.certificate = map.path("certificate");
  files.key = map.path("key");
  files.pfx = map.path("pfx");
  files.password_file = map.path("password_file");
  const auto kind = map.only_one_of({"certificate", "pfx"});
  if (kind == "pfx" && map.has("key")) map.refuse_key("key", "no key beside `pfx`: it holds its own");
  if (kind == "certificate" && map.has("password_file")) {
    map.refuse_key("password_file", "no password beside `certificate`: only a pfx has one");
  }
  return files;
}

// Said for an issued certificate, these are nothing to a source that brings its own.
void refuse_keys_of_issued(const Mapping& map) {
  for (const std::string_view key : {"name", "key", "profile", "challenge", "renew_before", "until_issued"}) {
    if (map.has(key)) map.refuse_key(key, "it only with `issuer`");
  }
}

CertificateSource read_source(const Mapping& map, CertificatesSection& section) {
  CertificateSource source;
  source.is_default = map.boolean("default", false);
  const std::string_view issued = map.has("hosts") ? "hosts" : map.has("on_demand") ? "on_demand" : "issuer";
  const auto kind = map.only_one_of({"files", "directory", issued, "key_vault"});
  if (kind == issued) {
    PlacedCertificate placed = read_issued(map);
    placed.places.source = section.sources.size();
    section.issued.push_back(std::move(placed.places));
    if (placed.issuer) section.issuers.push_back(std::move(*placed.issuer));
    source.from = std::move(placed.issued);
    return source;
  }
  refuse_keys_of_issued(map);
  if (kind == "files") {
    source.from = read_files(*map.find("files"));
  } else if (kind == "directory") {
    source.from = DirectoryCertificates{map.path("directory")};
  } else if (kind == "key_vault") {
    source.from = read_key_vault(*map.find("key_vault"));
  }
  return source;
}

}  // namespace

CertificatesSection read_certificates(const Value& value) {
  CertificatesSection section;
  bool default_seen = false;
  for (const Value& element : value.list()) {
    const Mapping map(element, keys::certificate);
    CertificateSource source = read_source(map, section);
    if (source.is_default && default_seen) map.find("default")->refuse("a second default", "at most one");
    default_seen = default_seen || source.is_default;
    const auto same = [&](const CertificateSource& other) { return other.from == source.from; };
    if (std::holds_alternative<KeyVaultCertificate>(source.from) && std::ranges::any_of(section.sources, same)) {
      element.refuse("the same source a second time", "each only once");
    }
    section.sources.push_back(std::move(source));
  }
  return section;
}

}  // namespace config
