// Azure: who sekisho is there, where "there" is, and what it reads and writes. Part of Config.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace config {

enum class AzureCloud : std::uint8_t { worldwide, us_government, china };
[[nodiscard]] std::string_view to_string(AzureCloud cloud) noexcept;  // "public", "us_government", "china"

// How sekisho shows who it is. What is empty comes from the environment of the workload identity webhook.
struct AzureIdentity {
  // from_environment: workload where AZURE_FEDERATED_TOKEN_FILE is set, else managed.
  enum class Kind : std::uint8_t { from_environment, workload, managed, client_certificate, command };
  Kind kind = Kind::from_environment;
  std::string tenant_id;
  std::string client_id;                     // of a managed identity: which of those that the machine has
  std::filesystem::path token_file;          // of workload identity: read anew at every exchange
  std::filesystem::path client_certificate;  // PEM
  std::filesystem::path client_key;          // PEM; empty: in client_certificate
  std::vector<std::string> token_command;    // gets the scope as one more argument
  friend bool operator==(const AzureIdentity&, const AzureIdentity&) = default;
};

// For the whole process. Endpoints that are empty are those of the cloud.
struct Azure {
  AzureCloud cloud = AzureCloud::worldwide;
  std::string authority_host;             // URL
  std::string resource_manager;           // URL
  std::string key_vault_suffix;           // "vault.azure.net"
  std::string metadata_endpoint;          // URL; empty: http://169.254.169.254
  std::filesystem::path ca_certificates;  // trusted in the place of the system's, for all but the metadata endpoint
  AzureIdentity identity;
  friend bool operator==(const Azure&, const Azure&) = default;
};

// Another identity than that of Azure::identity, of the same kind. Empty: that one.
struct AzureOtherIdentity {
  std::string tenant_id;
  std::string client_id;
  friend bool operator==(const AzureOtherIdentity&, const AzureOtherIdentity&) = default;
};

// ---- Key Vault as a source

struct KeyVaultCertificate {
  enum class Kind : std::uint8_t { certificate, secret };
  std::string vault;                        // URL without a slash at the end, or the name alone: "my-vault"
  std::string name;                         // exactly one of name, prefix, tags is given
  std::string prefix;                       // all whose name begins so
  std::map<std::string, std::string> tags;  // all that have all of these
  Kind kind = Kind::certificate;
  std::string version;  // only with name; empty: the newest enabled one
  std::chrono::milliseconds poll{120'000};
  AzureOtherIdentity identity;
  friend bool operator==(const KeyVaultCertificate&, const KeyVaultCertificate&) = default;
};

// ---- Azure DNS for DNS-01

struct AzureDns {
  std::string subscription_id;
  std::string resource_group;
  std::string zone;                 // empty: found from the name
  std::optional<AzureCloud> cloud;  // none: that of Config::azure
  AzureOtherIdentity identity;
  std::string managed_identity_resource_id;  // instead of client_id
  std::filesystem::path client_secret_file;  // with tenant_id and client_id: a service principal of its own
  friend bool operator==(const AzureDns&, const AzureDns&) = default;
};

// ---- Where certificates are copied to

// One certificate, by its name or one of its hosts, and what it is called there.
struct MirroredCertificate {
  std::string certificate;
  std::string name;  // empty: the mirror's name_prefix and the certificate's name
  friend bool operator==(const MirroredCertificate&, const MirroredCertificate&) = default;
};

struct ApplicationGatewayMirror {
  enum class By : std::uint8_t { pfx, key_vault };
  std::string resource_id;  // "/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/applicationGateways/N"
  std::vector<MirroredCertificate> certificates;  // empty: all that are issued
  By by = By::pfx;
  std::string vault;                   // only with By::key_vault: where the gateway reads them
  std::vector<std::string> listeners;  // whose reference is set to the certificate for their host name
  std::string name_prefix = "sekisho-";
  std::chrono::seconds prune_after{std::chrono::hours(24 * 7)};  // 0: never
  std::string probe_address;  // host:port that is asked over TLS after a write; empty: nothing is
  AzureOtherIdentity identity;
  friend bool operator==(const ApplicationGatewayMirror&, const ApplicationGatewayMirror&) = default;
};

struct KeyVaultMirror {
  std::string vault;                              // as in KeyVaultCertificate
  std::vector<MirroredCertificate> certificates;  // empty: all that are issued
  std::string name_prefix;
  AzureOtherIdentity identity;
  friend bool operator==(const KeyVaultMirror&, const KeyVaultMirror&) = default;
};

struct Mirror {
  std::variant<ApplicationGatewayMirror, KeyVaultMirror> to;
  friend bool operator==(const Mirror&, const Mirror&) = default;
};

}  // namespace config
