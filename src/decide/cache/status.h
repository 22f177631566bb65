#pragma once
// What a cache knows about status codes.
namespace headgate::decide::cache {

// RFC 9110 §15.1: may be stored and given a heuristic lifetime without being told to.
constexpr bool is_heuristically_cacheable(int status) {
  switch (status) {
    case 200:
    case 203:
    case 204:
    case 206:
    case 300:
    case 301:
    case 308:
    case 404:
    case 405:
    case 410:
    case 414:
    case 501: return true;
    default: return false;
  }
}

// Whether all that the status says about caches is done here (must-understand, RFC 9111 §5.2.2.3):
// the final codes that RFC 9110 and the registry define without rules of their own for caches, and
// 206. 304 is no response to store.
constexpr bool is_understood(int status) {
  if (status >= 200 && status <= 208) return true;
  if (status >= 300 && status <= 308) return status != 304 && status != 306;
  if (status >= 400 && status <= 431)
    return status != 418 && status != 419 && status != 420 && status != 427 && status != 430;
  if (status >= 500 && status <= 508) return true;
  return status == 226 || status == 451 || status == 511;
}

// Errors that the header fields of a single request may cause, while the key says nothing of them:
// kept, they would deny the resource to everybody.
constexpr bool is_fault_of_request(int status) {
  switch (status) {
    case 400:
    case 406:
    case 407:
    case 408:
    case 411:
    case 412:
    case 413:
    case 415:
    case 416:
    case 417:
    case 421:
    case 425:
    case 426:
    case 428:
    case 429:
    case 431: return true;
    default: return false;
  }
}

// RFC 5861 §4: an error that stale-if-error may cover.
constexpr bool is_origin_failure(int status) {
  return status == 500 || status == 502 || status == 503 || status == 504;
}

}  // namespace headgate::decide::cache
