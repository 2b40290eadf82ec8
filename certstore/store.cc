#include "certstore/store.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"

namespace certstore {
namespace {

std::string wildcard_above(const std::string& name) {
  const std::size_t dot = name.find('.');
  return dot == std::string::npos || name.starts_with("*.") ? std::string() : "*" + name.substr(dot);
}

bool same_content(const Certificate& left, const Certificate& right) {
  return left.facts().sha256 == right.facts().sha256 && left.chain_pem() == right.chain_pem();
}

}  // namespace

// Addresses too: some clients send one as SNI.
template <class Visit>
void Store::for_each_name(const Held& held, const Certificate& certificate, Visit visit) {
  const Facts& facts = certificate.facts();
  if (!held.only_for) {
    for (const std::string& name : facts.dns_names) visit(name);
    for (const std::string& address : facts.ip_addresses) visit(address);
    return;
  }
  for (const std::string& name : *held.only_for) {
    const auto is = [&](const std::string& own) { return own == name || own == wildcard_above(name); };
    if (std::ranges::any_of(facts.dns_names, is)) visit(name);
  }
}

Store::Store(const base::Clock& clock, Publish publish)
    : clock_(clock), publish_(std::move(publish)), index_(std::make_shared<const CertIndex>()) {}

Report Store::reporter(const std::string& source_name) {
  const std::lock_guard lock(mutex_);
  const auto [entry, is_new] = sources_.try_emplace(source_name);
  const std::uint64_t number = ++next_number_;
  if (is_new) entry->second.order = number;
  entry->second.reporter = number;
  return [this, source_name, number](Change change) { take(source_name, number, std::move(change)); };
}

void Store::forget(const std::string& source_name) {
  const std::lock_guard lock(mutex_);
  const auto found = sources_.find(source_name);
  if (found == sources_.end()) return;
  Names touched;
  for (Entry& entry : found->second.held) drop(entry, touched);
  sources_.erase(found);
  rebuild(std::move(touched));
}

void Store::take(const std::string& source_name, std::uint64_t reporter, Change change) {
  const std::lock_guard lock(mutex_);
  const auto found = sources_.find(source_name);
  if (found == sources_.end() || found->second.reporter != reporter) return;  // forgotten or replaced meanwhile
  Names touched;
  if (change.extent == Change::Extent::everything) {
    take_all(found->second, std::move(change.candidates), touched);
  } else {
    take_some(found->second, std::move(change), touched);
  }
  rebuild(std::move(touched));
}

void Store::take_all(Group& group, std::vector<Candidate> candidates, Names& touched) {
  const std::uint64_t report = ++group.reports;
  // Sources report in the order of ids, mostly the same ones: then every look-up ends at the hint.
  auto hint = group.held.begin();
  for (Candidate& candidate : candidates) {
    if (hint == group.held.end() || hint->first != candidate.id) hint = group.held.try_emplace(hint, candidate.id);
    hint->second.seen = report;
    take_one(group, *hint, std::move(candidate), touched);
    ++hint;
  }
  for (auto entry = group.held.begin(); entry != group.held.end();) {
    entry = entry->second.seen == report ? std::next(entry) : take_away(group, entry, touched);
  }
}

void Store::take_some(Group& group, Change change, Names& touched) {
  for (const std::string& id : change.withdrawn) {
    const auto entry = group.held.find(id);
    if (entry == group.held.end()) continue;
    drop(*entry, touched);
    group.held.erase(entry);
  }
  for (const std::string& id : change.gone) {
    const auto entry = group.held.find(id);
    if (entry != group.held.end()) take_away(group, entry, touched);
  }
  for (Candidate& candidate : change.candidates) {
    take_one(group, *group.held.try_emplace(candidate.id).first, std::move(candidate), touched);
  }
}

void Store::take_one(Group& group, Entry& entry, Candidate&& candidate, Names& touched) {
  auto& [id, held] = entry;
  if (held.parts) {  // it has come back
    leave(held, touched);
    held.parts.reset();
    enter(held, touched);
    schedule(entry, clock_.now());
  }
  if (held.stand_in != candidate.stand_in || held.only_for != candidate.only_for) {
    leave(held, touched);
    held.stand_in = candidate.stand_in;
    held.only_for = std::move(candidate.only_for);
    enter(held, touched);
  }
  held.is_default = candidate.is_default;
  if (held.is_default) {
    defaults_.insert(&held);
  } else {
    defaults_.erase(&held);
  }
  if (held.file_path != candidate.file_path) held.file_path = std::move(candidate.file_path);
  if (candidate.certificate) {
    held.refused.clear();
    accept(held, *std::move(candidate.certificate), touched);
    schedule(entry, clock_.now());
    return;
  }
  if (held.refused == candidate.certificate.error().what) return;
  held.refused = std::move(candidate.certificate.error().what);
  held.changed = clock_.now();
  ++refused_;
  ++group.refused[candidate.certificate.error().code];
  base::log::warning("certificate refused",
                     {{"id", id}, {"reason", held.refused}, {"kept", held.newest ? "the last good one" : "nothing"}});
}

Store::HeldById::iterator Store::take_away(Group& group, HeldById::iterator entry, Names& touched) {
  Held& held = entry->second;
  if (!held.newest) {
    drop(*entry, touched);
    return group.held.erase(entry);
  }
  if (!held.parts) {
    const base::SystemTime now = clock_.now();
    leave(held, touched);
    held.parts = now + parting;
    enter(held, touched);
    schedule(*entry, now);
  }
  return std::next(entry);
}

void Store::accept(Held& held, CertificatePtr certificate, Names& touched) {
  if (certificate == nullptr || certificate == held.newest) return;
  if (held.newest != nullptr && same_content(*held.newest, *certificate)) return;
  const base::SystemTime now = clock_.now();
  // Of what was there, only the better one can be worth keeping, and only if the new one is not in force.
  CertificatePtr kept = held.newest;
  if (held.previous && is_better(held.previous->facts(), kept->facts(), now)) kept = held.previous;
  leave(held, touched);
  held.validity = validity_at(certificate->facts(), now);
  held.previous = kept && validity_at(kept->facts(), now) < held.validity ? kept : nullptr;
  held.newest = std::move(certificate);
  held.changed = now;
  enter(held, touched);
  ++accepted_;
}

void Store::enter(const Held& held, const CertificatePtr& certificate, Names& touched) {
  Contenders& contenders = contenders_of(held);
  for_each_name(held, *certificate, [&](const std::string& name) {
    contenders[name].push_back(certificate);
    touched.insert(name);
  });
}

void Store::enter(const Held& held, Names& touched) {
  if (held.newest) enter(held, held.newest, touched);
  if (held.previous) enter(held, held.previous, touched);
}

void Store::leave(const Held& held, const CertificatePtr& certificate, Names& touched) {
  Contenders& contenders = contenders_of(held);
  for_each_name(held, *certificate, [&](const std::string& name) {
    const auto found = contenders.find(name);
    if (found == contenders.end()) return;
    // One entry only: another candidate may hold the same object.
    const auto entry = std::ranges::find(found->second, certificate);
    if (entry != found->second.end()) found->second.erase(entry);
    if (found->second.empty()) contenders.erase(found);
    touched.insert(name);
  });
}

void Store::leave(const Held& held, Names& touched) {
  if (held.newest) leave(held, held.newest, touched);
  if (held.previous) leave(held, held.previous, touched);
}

void Store::drop(Entry& entry, Names& touched) {
  const Held& held = entry.second;
  leave(held, touched);
  if (held.due) due_.erase({*held.due, &entry});
  defaults_.erase(&held);
}

CertPair Store::choose_for(const std::string& name, base::SystemTime now) {
  ailing_.erase(name);
  const auto found = contenders_.find(name);
  const auto going = last_resorts_.find(name);
  if (found == contenders_.end() && going == last_resorts_.end()) return {};
  std::vector<CertificatePtr> own;
  if (found != contenders_.end()) {
    CertPair chosen = choose(found->second, now);
    if (validity_of(chosen, now) == Validity::valid) return chosen;
    own = found->second;
  }
  if (const std::string wildcard = wildcard_above(name); !wildcard.empty()) {
    ailing_.insert(name);
    const auto above = contenders_.find(wildcard);
    // Without an entry of its own the name falls to the wildcard.
    if (above != contenders_.end() && validity_of(choose(above->second, now), now) == Validity::valid) return {};
  }
  if (going != last_resorts_.end()) own.insert(own.end(), going->second.begin(), going->second.end());
  return choose(own, now);
}

void Store::rebuild(Names touched) {
  const bool wildcards = std::ranges::any_of(touched, [](const std::string& name) { return name.starts_with("*."); });
  if (wildcards) {
    for (const std::string& name : ailing_) {
      if (touched.contains(wildcard_above(name))) touched.insert(name);
    }
  }
  const base::SystemTime now = clock_.now();
  std::unordered_map<std::string, CertPair> changes;
  for (const std::string& name : touched) {
    CertPair chosen = choose_for(name, now);
    const CertPair* current = index_->exact(name);
    if (chosen != (current == nullptr ? CertPair{} : *current)) changes.emplace(name, std::move(chosen));
  }
  CertIndex next = changes.empty() ? *index_ : index_->with(changes);
  CertPair fallback = choose_fallback(next, now);
  const CertPair current_fallback = index_->fallback() == nullptr ? CertPair{} : *index_->fallback();
  if (changes.empty() && fallback == current_fallback) return;
  index_ = std::make_shared<const CertIndex>(next.with_fallback(std::move(fallback)));
  if (publish_) publish_(index_);
}

CertPair Store::choose_fallback(const CertIndex& index, base::SystemTime now) const {
  std::vector<CertificatePtr> marked;
  for (const Held* held : defaults_) {
    if (held->newest) marked.push_back(held->newest);
    if (held->previous) marked.push_back(held->previous);
  }
  if (!marked.empty()) return choose(marked, now);
  const auto usable = [](const auto& entry) { return entry.second.newest != nullptr && !entry.second.only_for; };
  const Group* first = nullptr;
  for (const auto& [source, group] : sources_) {
    if (std::ranges::any_of(group.held, usable) && (first == nullptr || group.order < first->order)) first = &group;
  }
  if (first == nullptr) return {};
  const bool only_stand_ins =
      std::ranges::all_of(first->held, [&](const Entry& entry) { return entry.second.stand_in || !usable(entry); });
  const CertificatePtr* found = nullptr;
  for (const auto& [id, held] : first->held) {
    const CertificatePtr& certificate = held.previous ? held.previous : held.newest;
    if (certificate == nullptr || held.only_for || (held.stand_in && !only_stand_ins)) continue;
    if (found == nullptr) found = &certificate;
    if (validity_at(certificate->facts(), now) != Validity::valid) continue;
    found = &certificate;
    break;
  }
  const auto& names = (*found)->facts().dns_names;
  const CertPair* both_kinds = names.empty() ? nullptr : index.exact(names.front());
  return both_kinds != nullptr ? *both_kinds : choose({found, 1}, now);
}

// The next time at which what tick() says of this entry may be something else.
void Store::schedule(Entry& entry, base::SystemTime now) {
  Held& held = entry.second;
  std::optional<base::SystemTime> due;
  const auto consider = [&](base::SystemTime time) {
    if (time > now && (!due || time < *due)) due = time;
  };
  if (held.parts) consider(*held.parts);
  for (const CertificatePtr& certificate : {held.newest, held.previous}) {
    if (certificate == nullptr) continue;
    consider(certificate->facts().not_before);
    consider(certificate->facts().not_after + base::SystemTime::duration(1));  // which itself belongs to the period
  }
  if (due == held.due) return;
  if (held.due) due_.erase({*held.due, &entry});
  if (due) due_.emplace(*due, &entry);
  held.due = due;
}

void Store::look_again(Entry& entry, base::SystemTime now, Names& touched) {
  auto& [id, held] = entry;
  if (!held.newest) return;
  const auto touch = [&](const std::string& name) { touched.insert(name); };
  // The older version may expire before the newer one comes into force.
  if (held.previous) for_each_name(held, *held.previous, touch);
  for_each_name(held, *held.newest, touch);
  const Validity before = std::exchange(held.validity, validity_at(held.newest->facts(), now));
  if (held.validity == before) return;
  if (held.validity == Validity::expired) base::log::warning("certificate expired", {{"id", id}});
  if (held.validity == Validity::valid && held.previous) {
    leave(held, held.previous, touched);
    held.previous = nullptr;
  }
}

// Of what was taken away and has not come back.
void Store::let_go(base::SystemTime now, Names& touched) {
  for (auto& [source, group] : sources_) {
    for (auto entry = group.held.begin(); entry != group.held.end();) {
      const auto here = entry++;
      if (!here->second.parts || *here->second.parts > now) continue;
      drop(*here, touched);
      group.held.erase(here);
    }
  }
}

void Store::tick() {
  const std::lock_guard lock(mutex_);
  const base::SystemTime now = clock_.now();
  Names touched;
  std::vector<Entry*> entries;
  if (now < looked_) {
    // The clock was set back: what is over may come again.
    for (auto& [source, group] : sources_) {
      for (Entry& entry : group.held) entries.push_back(&entry);
    }
  } else {
    for (auto due = due_.begin(); due != due_.end() && due->first <= now; ++due) entries.push_back(due->second);
  }
  looked_ = now;
  bool some_go = false;
  for (Entry* entry : entries) {
    std::optional<base::SystemTime>& parts = entry->second.parts;
    if (parts) parts = std::min(*parts, now + parting);  // the clock may have been set back
    some_go = some_go || (parts && *parts <= now);
    look_again(*entry, now, touched);
    schedule(*entry, now);
  }
  if (some_go) let_go(now, touched);
  if (!entries.empty()) rebuild(std::move(touched));
}

// Whether its newest version is for any name.
bool Store::may_be_shown(const Held& held) {
  bool found = false;
  for_each_name(held, *held.newest, [&](const std::string&) { found = true; });
  return found;
}

// Whether the index has it, under one of its names or as the fallback.
bool Store::is_served(const Held& held, const CertificatePtr& certificate) const {
  if (!certificate) return false;
  const auto within = [&](const CertPair* pair) {
    return pair != nullptr && (pair->ecdsa == certificate || pair->rsa == certificate);
  };
  bool found = within(index_->fallback());
  for_each_name(held, *certificate, [&](const std::string& name) { found = found || within(index_->exact(name)); });
  return found;
}

std::shared_ptr<const CertIndex> Store::index() const {
  const std::lock_guard lock(mutex_);
  return index_;
}

}  // namespace certstore
