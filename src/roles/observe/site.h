#pragma once
// What an HttpServer serves: pages by path. Pages are registered once by the owner of what they
// show, before the server starts, and run on the loop's thread; a page answers at once, from
// memory.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headgate::observe {

struct Request {  // views end with the call
  std::string_view path, query;
  std::string_view rest;           // of the path, below the page's own: "" or "/upstreams"
  std::string_view authorization;  // the field's value; empty: absent
};

inline constexpr std::string_view kText = "text/plain; charset=utf-8";
inline constexpr std::string_view kJson = "application/json";

struct Answer {
  int status = 200;
  std::string_view content_type = kText;
  std::string body;
  std::string_view authenticate;  // WWW-Authenticate of a 401
};

class Site {
 public:
  using Get = Answer (*)(void* owner, const Request& request);

  // `path` and everything below it ("/" is the path alone). `prose` says in a line what is there.
  void add(std::string path, std::string prose, void* owner, Get page) {
    pages_.push_back({std::move(path), std::move(prose), owner, page});
  }
  // `site.add<&DataPlane::metrics>("/metrics", "...", this)`
  template <auto Member, typename Owner>
  void add(std::string path, std::string prose, Owner* owner) {
    add(std::move(path), std::move(prose), owner,
        [](void* o, const Request& request) { return (static_cast<Owner*>(o)->*Member)(request); });
  }
  // The longest page that covers the path; 404 with the list of pages when there is none.
  Answer get(Request request) const;

 private:
  struct Page {
    std::string path, prose;
    void* owner;
    Get get;
  };
  std::vector<Page> pages_;
};

}  // namespace headgate::observe
