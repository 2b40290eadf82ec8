// CertificateStorage: acme::Storage of a cluster that keeps issued certificates where their Certificates want them, in
// the Secrets that everything else reads. All other records go to another storage.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "acme/storage.h"
#include "kube/certificate_object.h"
#include "kube/client.h"
#include "kube/ending_calls.h"

namespace kube {

// Any thread, any number of replicas.
class CertificateStorage final : public acme::Storage {
 public:
  struct Entry {
    CertificateObject certificate;
    enum class Ca : unsigned char { none, itself, given } ca = Ca::none;  // what ca.crt holds
    std::string ca_pem;                                                   // with `given`
  };
  using Entries = std::map<std::string, Entry>;  // by acme::Target::record()
  using Written = std::function<void(const ObjectName& certificate)>;

  // What was seen a moment ago, for a thread that is going to read most of it: a call to the server for each would take
  // minutes with thousands. Who holds a lock reads on another thread, from the server.
  struct Seen {
    std::map<ObjectName, nlohmann::json> secrets;  // of Certificates; what is not in it is asked for
    std::map<std::string, std::string> records;
    std::set<std::string> folders;  // of which `records` has everything
  };

  // Both outlive it. `written` is called on the thread that wrote, after the server has it.
  CertificateStorage(Client& client, acme::Storage& records, Written written);

  // From now on these.
  void know(Entries entries);
  // From now on this thread's reads are answered from it; null: as any other's.
  void read_from(std::shared_ptr<const Seen> seen);

  // A certificate whose Secret is not what its Certificate asks for is none: it is ordered anew.
  [[nodiscard]] base::Result<std::optional<std::string>> read(const std::string& key) const override;
  [[nodiscard]] base::Result<void> write(const std::string& key, std::string_view content) override;
  [[nodiscard]] base::Result<void> remove(const std::string& key) override;
  [[nodiscard]] base::Result<std::vector<std::string>> list(const std::string& folder) const override;
  // Calls that wait for an API that does not answer end soon, with an error, and so do all later ones: for who is about
  // to wait for the threads that make them. Does not wait.
  void interrupt();

 private:
  // Null: the record is none of a certificate of the cluster.
  [[nodiscard]] std::shared_ptr<const Entry> entry_of(const std::string& key) const;
  [[nodiscard]] Outcome<nlohmann::json> secret_of(const Entry& entry) const;
  // Null: nothing was seen, or not by this thread.
  [[nodiscard]] std::shared_ptr<const Seen> seen() const;

  Client& client_;
  acme::Storage& records_;
  Written written_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Entry>> entries_;
  std::shared_ptr<const Seen> seen_;
  std::thread::id seen_by_;
  EndingCalls calls_;
};

}  // namespace kube
