#include "kube/mirror_writer.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "acme/json_fields.h"
#include "base/keep_running.h"
#include "base/log.h"
#include "kube/wipe_data.h"

namespace kube {
namespace {

using What = MirrorState::What;

constexpr std::size_t longest_problem = 300;

std::string acceptance_of(const nlohmann::json& name_space) {
  const nlohmann::json* metadata = acme::member(name_space, "metadata");
  const nlohmann::json* annotations = metadata == nullptr ? nullptr : acme::member(*metadata, "annotations");
  const std::string* text = annotations == nullptr ? nullptr : acme::text_member(*annotations, mirrors::accept_from);
  return text == nullptr ? std::string() : *text;
}

Outcome<void> nothing_of(Outcome<nlohmann::json> written) {
  if (!written) return std::unexpected(std::move(written.error()));
  return {};
}

}  // namespace

MirrorWriter::MirrorWriter(Client& client, EventRecorder& events, Options options)
    : client_(client), events_(events), options_(options), namespaces_known_(options.mirrors == Mirrors::off) {
  if (options_.mirrors == Mirrors::on) {
    WatchHandler& handler = *this;
    namespaces_ = std::make_unique<ListWatch>(
        client_, ListWatch::Options{.resource = resources::namespaces, .pace = options_.pace}, handler);
    namespaces_->start();
  }
  thread_ = std::jthread(
      [this](const std::stop_token& stop) { base::keep_running("mirrors of Secrets", stop, [&] { run(stop); }); });
}

MirrorWriter::~MirrorWriter() {
  if (namespaces_) namespaces_->request_stop();
  thread_.request_stop();
  thread_.join();
}

void MirrorWriter::seen(const ObjectName& name, const nlohmann::json* secret) {
  const std::lock_guard lock(mutex_);
  if (!book_.see_secret(name, secret)) return;
  ++told_[name];
  news_ = true;
  changed_.notify_all();
}

void MirrorWriter::complete() {
  const std::lock_guard lock(mutex_);
  if (secrets_known_) return;
  secrets_known_ = news_ = true;
  changed_.notify_all();
}

void MirrorWriter::lead(bool leads) {
  const std::lock_guard lock(mutex_);
  leads_ = leads;
  // What has come to be while nobody led has been told by nobody.
  for (auto& [key, link] : links_) link.told.clear();
  refusals_.clear();
  news_ = true;
  changed_.notify_all();
}

bool MirrorWriter::known() const {
  return secrets_known_ && namespaces_known_;
}

void MirrorWriter::run(const std::stop_token& stop) {
  auto next_forgetting = client_.clock().steady() + options_.look_again;
  while (!stop.stop_requested()) {
    std::vector<Task> tasks;
    {
      std::unique_lock lock(mutex_);
      (void)changed_.wait_for(lock, stop, pause(), [this] { return news_; });
      if (stop.stop_requested()) return;
      news_ = false;
      if (!known()) continue;
      if (client_.clock().steady() >= next_forgetting) {
        book_.forget_foreign();
        next_forgetting = client_.clock().steady() + options_.look_again;
      }
      tasks = look();
    }
    for (const Task& task : tasks) {
      Outcome<void> outcome = failed(base::escaped_error());
      static_cast<void>(
          base::attempt("mirror of a Secret", [&] { outcome = task.source ? write(task, stop) : drop(task, stop); }));
      finished(task, outcome);
      if (stop.stop_requested()) return;
    }
  }
}

// Until the next attempt, or the next look.
std::chrono::milliseconds MirrorWriter::pause() const {
  auto wait = options_.look_again;
  const auto now = client_.clock().steady();
  for (const auto& [key, retry] : retries_) {
    if (retry.next <= now) continue;
    wait = std::min(wait, std::chrono::duration_cast<std::chrono::milliseconds>(retry.next - now));
  }
  return std::max(wait, std::chrono::milliseconds(1));
}

std::vector<MirrorWriter::Task> MirrorWriter::look() {
  std::erase_if(links_, [&](const auto& link) {
    const auto source = book_.sources().find(link.first.source);
    return source == book_.sources().end() || !source->second->targets.contains(link.first.target);
  });
  tell_refusals();
  std::vector<Task> tasks;
  const auto now = client_.clock().steady();
  const auto add = [&](const MirrorKey& key, MirrorBook::SourcePtr source) {
    const auto retry = retries_.find(key);
    if (leads_ && (retry == retries_.end() || retry->second.next <= now)) tasks.push_back({key, std::move(source)});
  };
  for (const auto& [name, source] : book_.sources()) {
    for (const ObjectName& target : source->targets) {
      const MirrorKey key{name, target};
      look(key, *source);
      if (options_.mirrors == Mirrors::on && links_.at(key).state.what == What::behind) add(key, source);
    }
  }
  if (options_.mirrors == Mirrors::off) return tasks;
  const auto going = book_.to_go();
  for (const MirrorKey& key : going) add(key, nullptr);
  const auto is_over = [&](const MirrorKey& key) {
    return !links_.contains(key) && std::ranges::find(going, key) == going.end();
  };
  std::erase_if(retries_, [&](const auto& retry) { return is_over(retry.first); });
  std::set<ObjectName> targets;
  for (const auto& [key, link] : links_) targets.insert(key.target);
  std::erase_if(told_, [&](const auto& told) { return !targets.contains(told.first); });
  return tasks;
}

void MirrorWriter::look(const MirrorKey& key, const MirrorSource& source) {
  const bool is_new = !links_.contains(key);
  Link& link = links_[key];
  MirrorBook::Verdict verdict{MirrorBook::Verdict::What::refused, "sekisho runs without --mirrors"};
  if (options_.mirrors == Mirrors::on) verdict = book_.judge(source, key.target);
  What what = What::refused;
  if (verdict.what == MirrorBook::Verdict::What::in_step) what = What::in_step;
  if (verdict.what == MirrorBook::Verdict::What::due) what = What::behind;
  const bool was_in_step = link.state.what == What::in_step;
  if (is_new || was_in_step != (what == What::in_step)) link.state.since = client_.clock().now();
  link.state.source = key.source;
  link.state.target = key.target;
  link.state.what = what;
  link.state.fingerprint = source.fingerprint;
  link.state.problem = std::move(verdict.why);
  const auto retry = retries_.find(key);
  if (what == What::behind && retry != retries_.end()) link.state.problem = retry->second.problem;
  if (what == What::in_step) link.told.clear();
  if (!leads_ || link.state.problem.empty() || link.state.problem == link.told) return;
  link.told = link.state.problem;
  tell(source, NoticeType::warning, what == What::refused ? reasons::mirror_refused : reasons::mirror_failed,
       fmt::format("not mirrored to {}: {}", to_string(key.target), link.told));
}

void MirrorWriter::tell_refusals() {
  if (!leads_) return;
  std::erase_if(refusals_, [&](const auto& told) { return !book_.sources().contains(told.first); });
  for (const auto& [name, source] : book_.sources()) {
    const auto told = refusals_.find(name);
    if (told != refusals_.end() && told->second == source->refused) continue;
    for (const std::string& text : source->refused) tell(*source, NoticeType::warning, reasons::mirror_refused, text);
    refusals_.insert_or_assign(name, source->refused);
  }
}

void MirrorWriter::tell(const MirrorSource& source, NoticeType type, const char* reason, std::string message) {
  events_.tell({source.object, type, reason, std::move(message)});
}

std::uint64_t MirrorWriter::told_of(const ObjectName& name) const {
  const auto found = told_.find(name);
  return found == told_.end() ? 0 : found->second;
}

bool MirrorWriter::see(const ObjectName& name, const nlohmann::json* secret, std::uint64_t told_before) {
  if (told_of(name) != told_before) return false;
  (void)book_.see_secret(name, secret);
  return true;
}

MirrorWriter::Retry& MirrorWriter::retry(const MirrorKey& key) {
  return retries_.try_emplace(key, Retry{.backoff = Backoff(options_.pace)}).first->second;
}

// What stands there is looked at once more, and judged by that: what the watch told may be older.
Outcome<void> MirrorWriter::write(const Task& task, const std::stop_token& stop) {
  std::uint64_t told = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!leads_) return {};  // no more, while others were written
    told = told_of(task.key.target);
  }
  auto there = client_.get(resources::secrets, task.key.target, stop);
  if (!there && !there.error().not_found()) return std::unexpected(std::move(there.error()));
  {
    const std::lock_guard lock(mutex_);
    const bool newest = see(task.key.target, there ? &*there : nullptr, told);
    if (!newest || book_.judge(*task.source, task.key.target).what != MirrorBook::Verdict::What::due) {
      if (there) wipe_data(*there);
      return {};
    }
  }
  nlohmann::json mirror = mirror_of(*task.source, task.key.target, there ? *std::move(there) : nlohmann::json());
  auto written =
      there ? client_.update(resources::secrets, mirror, {}, stop) : client_.create(resources::secrets, mirror, stop);
  wipe_data(mirror);
  if (!written) return nothing_of(std::move(written));
  const std::lock_guard lock(mutex_);
  (void)see(task.key.target, &*written, told);
  wipe_data(*written);
  Retry& again = retry(task.key);
  again.problem.clear();
  // Somebody else writes into it: it is put right, but not in a race.
  const auto now = client_.clock().steady();
  if (again.written == task.source->digest) {
    again.next = now + again.backoff.after_failure(now, std::uniform_real_distribution<>(0, 1)(generator_));
  }
  again.written = task.source->digest;
  tell(*task.source, NoticeType::normal, reasons::mirrored,
       fmt::format("mirrored to {}: certificate {}", to_string(task.key.target), task.source->fingerprint));
  return {};
}

Outcome<void> MirrorWriter::drop(const Task& task, const std::stop_token& stop) {
  auto there = client_.get(resources::secrets, task.key.target, stop);
  if (!there && !there.error().not_found()) return std::unexpected(std::move(there.error()));
  const Precondition precondition{there ? metadata_text(*there, "uid") : "",
                                  there ? metadata_text(*there, "resourceVersion") : ""};
  {
    const std::lock_guard lock(mutex_);
    (void)book_.see_secret(task.key.target, there ? &*there : nullptr);
    if (there) wipe_data(*there);
    if (!there || !book_.is_to_go(task.key)) return {};
  }
  auto removed = client_.remove(resources::secrets, task.key.target, precondition, stop);
  if (!removed && !removed.error().not_found()) return removed;
  base::log::info("a mirror is deleted, for its source names it no more",
                  {{"source", to_string(task.key.source)}, {"mirror", to_string(task.key.target)}});
  const std::lock_guard lock(mutex_);
  (void)book_.see_secret(task.key.target, nullptr);
  return {};
}

void MirrorWriter::finished(const Task& task, const Outcome<void>& outcome) {
  const std::lock_guard lock(mutex_);
  news_ = true;  // the states are to say so
  if (outcome) return;
  Retry& again = retry(task.key);
  const auto now = client_.clock().steady();
  again.next = now + again.backoff.after_failure(now, std::uniform_real_distribution<>(0, 1)(generator_));
  again.problem = acme::shown(outcome.error().error.what, longest_problem);
  base::log::warning(
      "a mirror is not written",
      {{"source", to_string(task.key.source)}, {"mirror", to_string(task.key.target)}, {"reason", again.problem}});
}

std::vector<MirrorState> MirrorWriter::states() const {
  const std::lock_guard lock(mutex_);
  std::vector<MirrorState> states;
  states.reserve(links_.size());
  for (const auto& [key, link] : links_) states.push_back(link.state);
  return states;
}

void MirrorWriter::replaced(std::vector<nlohmann::json> objects) {
  for (nlohmann::json& object : objects) changed(std::move(object));
}

void MirrorWriter::changed(nlohmann::json object) {
  const std::string accepts = acceptance_of(object);
  const std::lock_guard lock(mutex_);
  book_.see_namespace(name_of(object).name, &accepts);
  news_ = true;
  changed_.notify_all();
}

void MirrorWriter::deleted(const ObjectName& name) {
  const std::lock_guard lock(mutex_);
  book_.see_namespace(name.name, nullptr);
  news_ = true;
  changed_.notify_all();
}

void MirrorWriter::synced() {
  const std::lock_guard lock(mutex_);
  namespaces_known_ = news_ = true;
  changed_.notify_all();
}

}  // namespace kube
