#pragma once
// What an HttpServer serves: pages by path. Pages are registered once by the owner of what they
// show, before the server starts, and run on the loop's thread. A page that shows answers at once,
// from memory; one that does something may answer later (Reply).
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headgate::observe {

struct Request {  // views end with the call
  std::string_view path, query;
  std::string_view rest;           // of the path, below the page's own: "" or "/upstreams"
  std::string_view authorization;  // the field's value; empty: absent
  std::string_view body;           // of a POST
};

inline constexpr std::string_view kText = "text/plain; charset=utf-8";
inline constexpr std::string_view kJson = "application/json";

struct Answer {
  int status = 200;
  std::string_view content_type = kText;
  std::string body;
  std::string_view authenticate;  // WWW-Authenticate of a 401
  std::string_view allow;         // of a 405
};

// The way of one answer to whoever asked. Copies are the same way, which is used once, on the
// loop's thread; a client that left meanwhile is told nothing, one that gets no answer is closed
// (kReplyTimeout).
class Reply {
 public:
  class Asker {
   public:
    virtual void finish(const Answer& answer) = 0;

   protected:
    ~Asker() = default;
  };
  // The asker sets what it gave to null when it goes.
  explicit Reply(std::shared_ptr<Asker*> asker) : asker_(std::move(asker)) {}
  void give(const Answer& answer) {
    if (Asker* asker = std::exchange(*asker_, nullptr)) asker->finish(answer);
  }

 private:
  std::shared_ptr<Asker*> asker_;
};

class Site {
 public:
  using Get = Answer (*)(void* owner, const Request& request);
  using Post = void (*)(void* owner, const Request& request, Reply reply);

  // `path` and everything below it ("/" is the path alone). `prose` says in a line what is there.
  void add(std::string path, std::string prose, void* owner, Get page) {
    pages_.push_back({std::move(path), std::move(prose), owner, page, nullptr});
  }
  // `site.add<&DataPlane::metrics>("/metrics", "...", this)`
  template <auto Member, typename Owner>
  void add(std::string path, std::string prose, Owner* owner) {
    add(std::move(path), std::move(prose), owner,
        [](void* o, const Request& request) { return (static_cast<Owner*>(o)->*Member)(request); });
  }
  // What a POST of JSON to exactly this path does. The server refuses what a browser would send for
  // the page of somebody else.
  template <auto Member, typename Owner>
  void add_post(std::string path, std::string prose, Owner* owner) {
    pages_.push_back({std::move(path), std::move(prose), owner, nullptr,
                      [](void* o, const Request& request, Reply reply) {
                        (static_cast<Owner*>(o)->*Member)(request, std::move(reply));
                      }});
  }
  // The longest page that covers the path; 404 with the list of pages when there is none.
  Answer get(Request request) const;
  bool takes_post(std::string_view path) const { return post_page(path) != nullptr; }
  void post(const Request& request, Reply reply) const;

 private:
  struct Page {
    std::string path, prose;
    void* owner;
    Get get;  // or
    Post post;
  };
  const Page* post_page(std::string_view path) const;
  std::vector<Page> pages_;
};

}  // namespace headgate::observe
