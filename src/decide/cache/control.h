#pragma once
// Which directives govern a response: the first targeted field that is there, or Cache-Control and
// Expires (RFC 9213 §2.2). Pure, any thread; made once for each response that might be stored.
#include <vector>

#include "model/cache_policy.h"
#include "wire/http/cache_control.h"
#include "wire/http/field.h"
#include "wire/http/structured_field.h"

namespace headgate::decide::cache {

// `directives` views the response's fields and `members`; so it moves but does not copy.
struct Governing {
  wire::http::CacheControl directives;
  bool is_targeted = false;  // then Cache-Control and Expires do not count
  std::vector<wire::http::SfMember> members;

  Governing() = default;
  Governing(Governing&&) = default;
  Governing& operator=(Governing&&) = default;
};

Governing governing_control(const wire::http::Fields& response, const model::CachePolicy& policy);

// Whether no-cache or private is about the whole response: without field names, or with the name of
// a field without which the rest would be read wrongly or reused too long (Vary, Content-Encoding).
bool covers_whole_response(const wire::http::FieldScope& scope);

}  // namespace headgate::decide::cache
