// WantedCertificate: what cert-manager's annotations on an Ingress ask for, one for each Secret of its TLS sections.
// Made into a Certificate object by whoever plays cert-manager.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kube/metadata.h"

namespace kube {

struct IssuerRef {
  std::string name;
  std::string kind;   // Issuer, ClusterIssuer, or a kind of `group`; empty only for the default issuer
  std::string group;  // cert-manager.io if nothing else is said
  friend bool operator==(const IssuerRef&, const IssuerRef&) = default;
};

struct CertificateSubject {
  std::vector<std::string> organizations;
  std::vector<std::string> organizational_units;
  std::vector<std::string> countries;
  std::vector<std::string> provinces;
  std::vector<std::string> localities;
  std::vector<std::string> postal_codes;
  std::vector<std::string> street_addresses;
  std::string serial_number;
  friend bool operator==(const CertificateSubject&, const CertificateSubject&) = default;
};

// spec.privateKey; empty or 0: not said.
struct WantedKey {
  std::string algorithm;  // RSA, ECDSA, Ed25519
  std::string encoding;   // PKCS1, PKCS8
  unsigned size = 0;
  std::string rotation_policy;  // Never, Always
  friend bool operator==(const WantedKey&, const WantedKey&) = default;
};

// For the HTTP-01 solver of this Ingress alone.
struct WantedHttp01 {
  std::string ingress_class;       // the annotation of the old way
  std::string ingress_class_name;  // spec.ingressClassName
  std::optional<bool> edit_in_place;
  friend bool operator==(const WantedHttp01&, const WantedHttp01&) = default;
};

struct WantedCertificate {
  ObjectName secret;               // the Certificate has the same name
  ObjectRef ingress;               // its owner
  IssuerRef issuer;                // without a name: the default issuer, asked for by kubernetes.io/tls-acme
  std::vector<std::string> hosts;  // of the TLS sections, in their order, each once
  std::string common_name;
  std::vector<std::string> emails;
  std::vector<std::string> addresses;
  std::vector<std::string> uris;
  CertificateSubject subject;
  std::optional<std::chrono::seconds> duration;
  std::optional<std::chrono::seconds> renew_before;
  std::optional<unsigned> renew_before_percentage;  // of the duration, 1 to 99
  std::vector<std::string> usages;                  // as cert-manager spells them: "digital signature"
  WantedKey key;
  WantedHttp01 http01;
  std::optional<unsigned> revision_history_limit;
  std::optional<bool> issue_temporary;
  std::string secret_template;  // JSON, as written
  friend bool operator==(const WantedCertificate&, const WantedCertificate&) = default;
};

}  // namespace kube
