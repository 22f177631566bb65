#include "roles/observe/site.h"

namespace headgate::observe {

namespace {
bool covers(std::string_view page, std::string_view path) {
  if (!path.starts_with(page)) return false;
  return path.size() == page.size() || (page != "/" && path[page.size()] == '/');
}
}  // namespace

Answer Site::get(Request request) const {
  const Page* best = nullptr;
  for (const Page& page : pages_) {
    if (covers(page.path, request.path) && (!best || page.path.size() > best->path.size()))
      best = &page;
  }
  if (best) {
    request.rest = request.path.substr(best->path.size());
    if (!best->get) return {.status = 405, .body = "POST alone\n", .allow = "POST"};
    return best->get(best->owner, request);
  }
  Answer answer{.status = 404, .body = "no such page; these exist:\n"};
  for (const Page& page : pages_) answer.body += page.path + "  " + page.prose + "\n";
  return answer;
}

const Site::Page* Site::post_page(std::string_view path) const {
  for (const Page& page : pages_)
    if (page.post && page.path == path) return &page;
  return nullptr;
}

void Site::post(const Request& request, Reply reply) const {
  const Page* page = post_page(request.path);
  page->post(page->owner, request, std::move(reply));
}

}  // namespace headgate::observe
