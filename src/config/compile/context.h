#pragma once
// What every step of compilation shares: the objects by name, the options, where problems and
// statuses go. Lives for one call of `compile` on one thread.
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "config/config.h"

namespace headgate::config {

template <typename T>
using ByName = std::unordered_map<std::string, T, StringHash, std::equal_to<>>;

// Why a reference does not resolve, in the words of the Gateway API, or nothing.
struct Fault {
  std::string reason;  // BackendNotFound, RefNotPermitted, InvalidKind, ...; empty: none
  std::string message;
  std::string suggestion;
  bool silent = false;  // the object referred to is there and has problems of its own
};

struct Resolved {
  const Object* object = nullptr;
  Fault fault;
};

class Context {
 public:
  Context(const Objects& objects, const CompileOptions& options, Compiled& out);

  const CompileOptions& options;
  Compiled& out;

  // Of one kind, valid ones, by age and then by name.
  const std::vector<const Object*>& of(std::string_view kind) const;
  const Object* find_object(std::string_view kind, std::string_view name_space,
                            std::string_view name) const;

  // Follows a reference of `from`: absent namespace means its own, another one needs a
  // ReferenceGrant there.
  Resolved resolve(const Object& from, std::string_view group, std::string_view kind,
                   const Json& reference) const;
  bool granted(const Object& from, std::string_view group, std::string_view kind,
               std::string_view name_space, std::string_view name) const;
  // Labels of the Namespace object; an empty map without one. The label kubernetes.io/metadata.name
  // is always there.
  bool namespace_matches(std::string_view name_space, const Json& selector) const;
  // The name that was probably meant. Looks at every object, so it is for problems alone, and
  // answers kSuggestionsMax times.
  std::string nearest(std::string_view kind, std::string_view name_space,
                      std::string_view name) const;

  // A problem in one object: an error, or with lenient references a warning, because only that
  // object suffers.
  void fault(const Place& place, const Fault& fault) const;
  void fault(const Place& place, std::string message, std::string_view suggestion = {}) const;

 private:
  ByName<std::vector<const Object*>> by_kind_;
  ByName<const Object*> by_label_;
  ByName<std::vector<const Object*>> grants_;  // by namespace
  mutable std::size_t suggestions_ = 0;
};

}  // namespace headgate::config
