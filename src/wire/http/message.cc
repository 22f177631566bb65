#include "wire/http/message.h"

namespace headgate::wire::http {

// Method names are case-sensitive (RFC 9110 §9.1).
Method parse_method(std::string_view text) {
  switch (text.size()) {
    case 3: return text == "GET" ? Method::kGet : text == "PUT" ? Method::kPut : Method::kOther;
    case 4: return text == "POST" ? Method::kPost : text == "HEAD" ? Method::kHead : Method::kOther;
    case 5:
      return text == "PATCH" ? Method::kPatch : text == "TRACE" ? Method::kTrace : Method::kOther;
    case 6:
      return text == "DELETE"   ? Method::kDelete
             : text == "REPORT" ? Method::kReport
             : text == "SEARCH" ? Method::kSearch
                                : Method::kOther;
    case 7:
      return text == "OPTIONS"   ? Method::kOptions
             : text == "CONNECT" ? Method::kConnect
                                 : Method::kOther;
    case 8: return text == "PROPFIND" ? Method::kPropfind : Method::kOther;
    default: return Method::kOther;
  }
}

std::string_view to_string(Version version) {
  switch (version) {
    case Version::k10: return "HTTP/1.0";
    case Version::k11: return "HTTP/1.1";
    case Version::k2: return "HTTP/2";
  }
  return "";
}

bool is_safe(Method method) {
  switch (method) {
    case Method::kGet:
    case Method::kHead:
    case Method::kOptions:
    case Method::kTrace:
    case Method::kPropfind:
    case Method::kReport:
    case Method::kSearch: return true;
    case Method::kPost:
    case Method::kPut:
    case Method::kDelete:
    case Method::kConnect:
    case Method::kPatch:
    case Method::kOther: break;
  }
  return false;
}

bool is_idempotent(Method method) {
  return is_safe(method) || method == Method::kPut || method == Method::kDelete;
}

}  // namespace headgate::wire::http
