// SecretStorage: acme::Storage of a cluster, one Secret a record, labelled so that backup tools and people find them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acme/storage.h"
#include "kube/client.h"
#include "kube/ending_calls.h"

namespace kube {

// Any thread, any number of replicas. What is read is what the server has at that moment.
class SecretStorage final : public acme::Storage {
 public:
  static constexpr std::size_t largest_record = 700U << 10U;  // a Secret may have 1 MiB, in base64

  SecretStorage(Client& client, std::string name_space);

  // Errors beside the API's: too_large.
  [[nodiscard]] base::Result<std::optional<std::string>> read(const std::string& key) const override;
  [[nodiscard]] base::Result<void> write(const std::string& key, std::string_view content) override;
  [[nodiscard]] base::Result<void> remove(const std::string& key) override;
  [[nodiscard]] base::Result<std::vector<std::string>> list(const std::string& folder) const override;
  // Calls that wait for an API that does not answer end soon, with an error, and so do all later ones: for who is about
  // to wait for the threads that make them. Does not wait.
  void interrupt();

  // All records of a folder with what is in them, for who is going to read most of them.
  [[nodiscard]] base::Result<std::map<std::string, std::string>> contents(const std::string& folder) const;

  // For a watch on what other replicas write: storage_changed() of the manager wants the key.
  [[nodiscard]] static Selection selection(std::string name_space);
  // Empty: the object is no record.
  [[nodiscard]] static std::string key_of(const nlohmann::json& object);

 private:
  [[nodiscard]] ObjectName name_of_record(const std::string& key) const;

  Client& client_;
  std::string name_space_;
  EndingCalls calls_;
};

}  // namespace kube
