#include "acme/challenge_folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include <nlohmann/json.hpp>

#include "acme/stored_time.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "certstore/file_lock.h"
#include "certstore/secret_bytes.h"

namespace acme {
namespace {

constexpr std::size_t longest_name = 1024;
constexpr std::chrono::hours longest_life{24};
constexpr std::chrono::milliseconds lock_patience{2000};

std::string key_of(ChallengeFolder::Kind kind, const std::string& name) {
  return (kind == ChallengeFolder::Kind::http01 ? "entries/http01." : "entries/alpn01.") + key_part(name);
}

std::string text_at(const nlohmann::json& json, const char* key) {
  const auto member = json.find(key);
  return member != json.end() && member->is_string() ? member->get<std::string>() : std::string();
}

}  // namespace

ChallengeFolder::ChallengeFolder(std::filesystem::path folder) : folder_(std::move(folder)), storage_(folder_) {}

base::Result<void> ChallengeFolder::write_http01(const std::string& token, const std::string& key_authorization) {
  if (token.empty() || token.size() > longest_name || key_authorization.size() > 2 * longest_name) {
    return base::fail(base::Code::invalid, "challenge: a token of " + std::to_string(token.size()) + " bytes");
  }
  const nlohmann::json json{{"type", "http-01"},
                            {"name", token},
                            {"key_authorization", key_authorization},
                            {"made", stored(base::system_clock().now())}};
  return write(key_of(Kind::http01, token), base::json_line(json));
}

base::Result<void> ChallengeFolder::write_tls_alpn01(const std::string& server_name,
                                                     const certstore::Certificate& certificate) {
  if (server_name.empty() || server_name.size() > longest_name) {
    return base::fail(base::Code::invalid, "challenge: no server name");
  }
  const nlohmann::json json{{"type", "tls-alpn-01"},
                            {"name", server_name},
                            {"certificate", certificate.chain_pem()},
                            {"key", certificate.key_pem()},
                            {"made", stored(base::system_clock().now())}};
  std::string text = base::json_line(json);
  const certstore::WipedAtEnd wiped(text);
  return write(key_of(Kind::tls_alpn01, server_name), text);
}

base::Result<void> ChallengeFolder::write(const std::string& key, std::string_view text) {
  if (auto written = storage_.write(key, text); !written) return written;
  (void)look_at(key);
  return {};
}

base::Result<bool> ChallengeFolder::remove(Kind kind, const std::string& name) {
  const std::string key = key_of(kind, name);
  std::error_code ignored;
  if (!std::filesystem::exists(folder_ / key, ignored)) return false;
  if (auto removed = storage_.remove(key); !removed) return std::unexpected(std::move(removed.error()));
  known_.erase(key);
  return true;
}

std::uint64_t ChallengeFolder::generation() const {
  const auto text = base::read_file(generation_file(), 64);
  std::uint64_t generation = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), generation);
  return generation;
}

base::Result<ChallengeFolder::Generations> ChallengeFolder::changed() {
  const auto lock = certstore::FileLock::take(folder_ / "generation.lock", lock_patience);
  if (!lock) return std::unexpected(lock.error());
  // By the clock, so that it grows even where the file was lost.
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(base::system_clock().now().time_since_epoch());
  const std::uint64_t before = generation();
  const std::uint64_t next = std::max(before + 1, static_cast<std::uint64_t>(now.count()));
  if (auto written = base::write_file_atomically(generation_file(), std::to_string(next)); !written) {
    return std::unexpected(std::move(written.error()));
  }
  return Generations{before, next};
}

ChallengeFolder::Entry ChallengeFolder::entry_from(std::string_view text) {
  const nlohmann::json json = base::parse_json(text);
  Entry entry;
  const auto made = stored_time(json, "made");
  if (!made) return entry;  // also where it is no object
  entry.made = *made;
  entry.name = text_at(json, "name");
  if (text_at(json, "type") == "http-01") {
    entry.key_authorization = text_at(json, "key_authorization");
    return entry;
  }
  entry.kind = Kind::tls_alpn01;
  std::string key = text_at(json, "key");
  const certstore::WipedAtEnd wiped(key);
  if (auto certificate = certstore::Certificate::from_pem(text_at(json, "certificate"), key)) {
    entry.certificate = *std::move(certificate);
  } else {
    base::log::warning("challenge not read", {{"name", entry.name}, {"reason", certificate.error().what}});
    entry.name.clear();
  }
  return entry;
}

// Null: it is gone.
ChallengeFolder::Entry* ChallengeFolder::look_at(const std::string& key) {
  const std::filesystem::path file = folder_ / key;
  struct stat status{};
  std::error_code problem;
  const auto written = std::filesystem::last_write_time(file, problem);
  if (problem || ::stat(file.c_str(), &status) != 0) return nullptr;
  const auto known = known_.find(key);
  if (known != known_.end() && known->second.inode == status.st_ino && known->second.written == written) {
    return &known->second;
  }
  auto text = storage_.read(key);
  if (!text || !*text) return nullptr;
  const certstore::WipedAtEnd wiped(**text);
  Entry entry = entry_from(**text);
  entry.inode = status.st_ino;
  entry.written = written;
  return &known_.insert_or_assign(key, std::move(entry)).first->second;
}

certstore::Challenges ChallengeFolder::read() {
  certstore::Challenges all;
  const auto keys = storage_.list("entries");
  if (!keys) {
    base::log::warning("challenges not read", {{"reason", keys.error().what}});
    return all;
  }
  const base::SystemTime now = base::system_clock().now();
  std::erase_if(known_, [&](const auto& known) { return !std::ranges::binary_search(*keys, known.first); });
  for (const std::string& key : *keys) {
    if (all.http01.size() + all.tls_alpn01.size() == most_entries) break;
    const Entry* entry = look_at(key);
    if (entry == nullptr) continue;
    // One from the future was written before the clock was put back, or is damaged and has no time at all.
    if (entry->made < now - longest_life || entry->made > now + longest_life) {
      (void)storage_.remove(key);
      known_.erase(key);
    } else {
      add(*entry, all);
    }
  }
  return all;
}

certstore::Challenges ChallengeFolder::known() const {
  certstore::Challenges all;
  for (const auto& [key, entry] : known_) add(entry, all);
  return all;
}

void ChallengeFolder::add(const Entry& entry, certstore::Challenges& all) {
  if (entry.name.empty()) return;
  if (entry.kind == Kind::http01) {
    all.http01.emplace(entry.name, entry.key_authorization);
  } else {
    all.tls_alpn01.emplace(entry.name, entry.certificate);
  }
}

}  // namespace acme
