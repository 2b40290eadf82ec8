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

IssuedCertificate read_issued(const Mapping& map, CertificatesSection& section) {
  IssuedCertificate issued;
  const auto hosts = map.require("hosts");
  issued.hosts = parsed_list(hosts, parse_host_pattern);
  if (hosts && hosts->is(YamlNode::Kind::sequence) && hosts->node().items.empty()) {
    hosts->refuse("an empty list", "at least one host");
  }
  if (const auto issuer = map.require("issuer")) {
    if (auto name = issuer->text()) {
      section.issuers.push_back({*name, issuer->mark()});
      issued.issuer = std::move(*name);
    }
    map.refuse_key("issuer", "files or a directory: issuing certificates is not part of this version");
  }
  return issued;
}

KeyVaultCertificate read_key_vault(const Mapping& map) {
  const Mapping vault_map(*map.find("key_vault"), keys::key_vault);
  KeyVaultCertificate vault;
  if (const auto address = vault_map.require("vault")) vault.vault = address->text().value_or("");
  if (const auto name = vault_map.require("name")) vault.name = name->text().value_or("");
  vault.poll = vault_map.duration("poll", vault.poll, {std::chrono::seconds(1), std::chrono::hours(24)});
  map.refuse_key("key_vault", "files or a directory: Key Vault is not part of this version");
  return vault;
}

CertificateSource read_source(const Mapping& map, CertificatesSection& section) {
  CertificateSource source;
  source.is_default = map.boolean("default", false);
  const bool issued = map.has("issuer") || map.has("hosts");
  const auto kind = map.only_one_of({"files", "directory", map.has("hosts") ? "hosts" : "issuer", "key_vault"});
  if (kind == "files") {
    source.from = read_files(*map.find("files"));
  } else if (kind == "directory") {
    source.from = DirectoryCertificates{map.path("directory")};
  } else if (kind == "key_vault") {
    source.from = read_key_vault(map);
  } else if (issued) {
    source.from = read_issued(map, section);
  }
  return source;
}

void read_acme(const Value& value) {
  const Mapping map(value, keys::acme);
  (void)map.require("directory");
  (void)map.text("directory");
  (void)map.text("email");
  (void)map.boolean("agree_to_terms", false);
  (void)map.choice("challenge", 0, Words<int>{{"http-01", 0}, {"tls-alpn-01", 1}, {"dns-01", 2}});
  (void)map.path("ca_certificates");
}

void read_issuer(const NamedValue& entry) {
  const Mapping map(entry.value, keys::issuer);
  const auto kind = map.only_one_of({"acme", "self_signed", "ca"});
  if (!kind) return;
  if (kind == "acme") {
    read_acme(*map.find("acme"));
  } else if (const auto issuer = map.find(*kind); !issuer->is(YamlNode::Kind::mapping)) {
    issuer->refuse("a mapping");
  }
  map.refuse_key(*kind, "no issuer: issuing certificates is not part of this version");
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

std::vector<std::string> read_issuers(const Value& value) {
  std::vector<std::string> names;
  for (const NamedValue& entry : named_values(value)) {
    read_issuer(entry);
    names.push_back(entry.name);
  }
  return names;
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
