#include "app/issuer_findings.h"

#include <unistd.h>

#include <algorithm>
#include <variant>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/ascii.h"
#include "base/file.h"
#include "certstore/issuer_certificate.h"
#include "certstore/pem.h"
#include "certstore/private_key.h"

namespace app {
namespace {

constexpr std::size_t largest_secret = 64U << 10U;

enum class Holds { certificates, key, base64 };

struct ExpectedFile {
  IssuerFile file;
  Holds holds = Holds::certificates;
};

void add_acme_files(const std::string& name, const config::AcmeIssuer& acme, std::vector<ExpectedFile>& files) {
  const auto add = [&](const char* key, const std::filesystem::path& path, Holds holds) {
    if (!path.empty()) files.push_back({{fmt::format("issuer {}: {}", name, key), path}, holds});
  };
  add("ca_certificates", acme.ca_certificates, Holds::certificates);
  add("account_key", acme.account_key, Holds::key);
  if (acme.external_account) add("hmac_key_file", acme.external_account->hmac_key_file, Holds::base64);
  const auto* update = acme.dns ? std::get_if<config::Rfc2136>(&acme.dns->provider) : nullptr;
  if (update != nullptr) add("secret_file", update->secret_file, Holds::base64);
}

std::vector<ExpectedFile> expected_files(const config::Config& config) {
  std::vector<ExpectedFile> files;
  for (const auto& [name, issuer] : config.issuers) {
    if (const auto* acme = std::get_if<config::AcmeIssuer>(&issuer)) add_acme_files(name, *acme, files);
    if (const auto* ca = std::get_if<config::CaIssuer>(&issuer)) {
      files.push_back({{fmt::format("issuer {}: certificate", name), ca->certificate}, Holds::certificates});
      files.push_back({{fmt::format("issuer {}: key", name), ca->key}, Holds::key});
    }
  }
  for (const config::CertificateSource& source : config.certificates) {
    const auto* issued = std::get_if<config::IssuedCertificate>(&source.from);
    if (issued == nullptr || !issued->on_demand || issued->on_demand->ask_ca_certificates.empty()) continue;
    files.push_back(
        {{fmt::format("certificate {}: ask_ca_certificates", issued->name), issued->on_demand->ask_ca_certificates},
         Holds::certificates});
  }
  return files;
}

// RFC 4648 §4 and §5, and the line end behind it.
bool is_base64(std::string_view text) {
  text = base::trimmed_end(text, " \t\r\n=");
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
           c == '-' || c == '_';
  });
}

base::Result<certstore::PemContents> pem_of(const std::filesystem::path& path) {
  const auto text = base::read_file(path);
  if (!text) return std::unexpected(text.error());
  certstore::PemContents contents;
  if (auto read = certstore::read_pem(*text, contents); !read) {
    return std::unexpected(std::move(read.error()).in(path.string()));
  }
  return contents;
}

base::Result<void> look_at_certificates(const std::filesystem::path& path) {
  const auto contents = pem_of(path);
  if (!contents) return std::unexpected(contents.error());
  if (contents->certificates.empty()) return base::fail(base::Code::invalid, path.string() + ": no certificate in it");
  return {};
}

base::Result<certstore::PrivateKey> key_of(const std::filesystem::path& path) {
  const auto contents = pem_of(path);
  if (!contents) return std::unexpected(contents.error());
  if (contents->keys.size() != 1) {
    const char* what = contents->has_encrypted_key ? "an encrypted key" : "not exactly one private key";
    return base::fail(base::Code::invalid, fmt::format("{}: {}", path.string(), what));
  }
  auto key = certstore::PrivateKey::parse(contents->keys.front().bytes, contents->keys.front().layout);
  if (!key) return std::unexpected(std::move(key.error()).in(path.string()));
  return key;
}

base::Result<void> look_at(const ExpectedFile& expected) {
  const std::filesystem::path& path = expected.file.path;
  if (expected.holds == Holds::certificates) return look_at_certificates(path);
  if (expected.holds == Holds::key) {
    const auto key = key_of(path);
    return key ? base::Result<void>() : std::unexpected(key.error());
  }
  const auto text = base::read_file(path, largest_secret);
  if (!text) return std::unexpected(text.error());
  if (!is_base64(*text)) return base::fail(base::Code::invalid, path.string() + ": a secret that is not base64");
  return {};
}

// The key belongs to the certificate. Nothing to say where one of them cannot be read: that has been said.
bool contradicts_itself(const config::CaIssuer& ca) {
  const auto contents = pem_of(ca.certificate);
  const auto key = key_of(ca.key);
  if (!contents || contents->certificates.empty() || !key) return false;
  const auto certificate = certstore::IssuerCertificate::find_or_make(contents->certificates.front());
  return certificate == nullptr || !key->matches(certificate->x509());
}

bool is_missing_program(const config::AcmeIssuer& acme) {
  const auto* exec = acme.dns ? std::get_if<config::DnsExec>(&acme.dns->provider) : nullptr;
  if (exec == nullptr || exec->command.empty()) return false;
  const std::string& program = exec->command.front();
  return program.find('/') != std::string::npos && ::access(program.c_str(), X_OK) != 0;
}

}  // namespace

std::vector<IssuerFile> issuer_files(const config::Config& config) {
  std::vector<IssuerFile> files;
  for (ExpectedFile& expected : expected_files(config)) files.push_back(std::move(expected.file));
  return files;
}

std::vector<base::Error> unreadable_issuer_files(const config::Config& config) {
  std::vector<base::Error> errors;
  for (const ExpectedFile& expected : expected_files(config)) {
    if (auto looked = look_at(expected); !looked) errors.push_back(std::move(looked.error()).in(expected.file.what));
  }
  for (const auto& [name, issuer] : config.issuers) {
    const auto* ca = std::get_if<config::CaIssuer>(&issuer);
    if (ca != nullptr && contradicts_itself(*ca)) {
      errors.push_back({base::Code::invalid, fmt::format("issuer {}: {}: not the key of the first certificate in {}",
                                                         name, ca->key.string(), ca->certificate.string())});
    }
    const auto* acme = std::get_if<config::AcmeIssuer>(&issuer);
    if (acme != nullptr && is_missing_program(*acme)) {
      errors.push_back(
          {base::Code::not_found, fmt::format("issuer {}: {}: no program that can be run", name,
                                              std::get<config::DnsExec>(acme->dns->provider).command.front())});
    }
  }
  return errors;
}

std::vector<std::string> names_left_out(const config::Config& config) {
  std::vector<std::string> sentences;
  for (const config::CertificateSource& source : config.certificates) {
    const auto* issued = std::get_if<config::IssuedCertificate>(&source.from);
    const auto issuer = issued != nullptr ? config.issuers.find(issued->issuer) : config.issuers.end();
    if (issuer == config.issuers.end()) continue;
    const auto hosts = config::unprovable_hosts(*issued, issuer->second);
    if (hosts.empty()) continue;
    const auto& acme = std::get<config::AcmeIssuer>(issuer->second);
    sentences.push_back(
        fmt::format("certificate {}: wildcards are issued by DNS-01 only: {} is left out of the orders, because the "
                    "challenge is {} (`challenge: dns-01`, and `dns` in the issuer {})",
                    issued->name, fmt::join(hosts, ", "), to_string(challenge_of(*issued, acme)), issued->issuer));
  }
  return sentences;
}

std::vector<config::IssuedCertificate> certificates_to_get(const config::Config& config) {
  std::vector<config::IssuedCertificate> certificates;
  for (const config::CertificateSource& source : config.certificates) {
    const auto* issued = std::get_if<config::IssuedCertificate>(&source.from);
    if (issued == nullptr) continue;
    config::IssuedCertificate& certificate = certificates.emplace_back(*issued);
    const auto issuer = config.issuers.find(issued->issuer);
    if (issuer == config.issuers.end()) continue;
    const auto left_out = config::unprovable_hosts(*issued, issuer->second);
    std::erase_if(certificate.hosts,
                  [&](const std::string& host) { return std::ranges::find(left_out, host) != left_out.end(); });
  }
  return certificates;
}

}  // namespace app
