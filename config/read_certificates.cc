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

KeyVaultCertificate read_key_vault(const Mapping& map) {
  const Mapping vault_map(*map.find("key_vault"), keys::key_vault);
  KeyVaultCertificate vault;
  if (const auto address = vault_map.require("vault")) vault.vault = address->text().value_or("");
  if (const auto name = vault_map.require("name")) vault.name = name->text().value_or("");
  vault.poll = vault_map.duration("poll", vault.poll, {std::chrono::seconds(1), std::chrono::hours(24)});
  map.refuse_key("key_vault", "files, a directory or an issuer: Key Vault is not part of this version");
  return vault;
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
    source.from = read_key_vault(map);
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
    section.sources.push_back(std::move(source));
  }
  return section;
}

void read_mirrors(const Value& value) {
  for (const Value& element : value.list()) {
    const Mapping map(element, keys::mirror);
    const auto gateway = map.require("application_gateway");
    if (!gateway) continue;
    const Mapping gateway_map(*gateway, keys::application_gateway);
    if (const auto id = gateway_map.require("resource_id")) (void)id->text();
    map.refuse_key("application_gateway", "no mirror: mirrors are not part of this version");
  }
}

}  // namespace config
