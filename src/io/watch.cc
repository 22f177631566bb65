#include "io/watch.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace headgate::io {

namespace {

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                  IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |
                                  IN_ONLYDIR | IN_EXCL_UNLINK;

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

class Watch::Handler : public EventHandler {
 public:
  Handler(Loop& loop, std::string path, Duration quiet, Callback<> on_change)
      : loop_(loop), path_(std::move(path)), quiet_(quiet), on_change_(std::move(on_change)) {}

  Status start();
  void stop();
  bool complete() const { return complete_; }
  void on_io(std::uint32_t) override;

 private:
  Status rebuild();
  void add_tree(const std::string& path, int depth);
  bool add(const std::string& path) {
    const int watch = ::inotify_add_watch(fd_.get(), path.c_str(), kEvents);
    if (watch >= 0) ++directories_;
    return watch >= 0;
  }
  bool concerns_us(const inotify_event& event) const;
  void on_quiet();

  Loop& loop_;
  std::string path_;
  Duration quiet_;
  Callback<> on_change_;
  Fd fd_;
  int parent_watch_ = -1;
  int directories_ = 0;
  bool complete_ = true;
  bool stopped_ = false;
  Instant burst_began_{};
  MemberTimer<&Handler::on_quiet> timer_{this};
};

Status Watch::Handler::start() {
  while (path_.size() > 1 && path_.ends_with('/')) path_.pop_back();
  if (auto built = rebuild(); !built) return built;
  if (complete_) return {};
  stop();
  return fail(Code::kExhausted,
              fmt::format("watch {}: more than {} directories, {} deep, or than the kernel's "
                          "fs.inotify.max_user_watches allow",
                          path_, kDirectoriesMax, kDepthMax));
}

void Watch::Handler::stop() {
  if (fd_.valid()) loop_.remove(fd_.get());
  fd_.reset();
  loop_.disarm(timer_);
  stopped_ = true;
}

// A new descriptor instead of bookkeeping: watches of directories that were renamed or replaced
// cannot linger.
Status Watch::Handler::rebuild() {
  Fd fresh(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fresh.valid()) return fail_errno("watch " + path_, errno);
  if (auto added = loop_.add(fresh.get(), EPOLLIN, *this); !added) return added;
  if (fd_.valid()) loop_.remove(fd_.get());
  fd_ = std::move(fresh);
  directories_ = 0;
  complete_ = true;
  parent_watch_ = ::inotify_add_watch(fd_.get(), parent_of(path_).c_str(), kEvents);
  if (parent_watch_ < 0) return fail_errno("watch " + parent_of(path_), errno);
  struct stat status{};
  if (::stat(path_.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) add_tree(path_, 0);
  return {};
}

void Watch::Handler::add_tree(const std::string& path, int depth) {
  if (depth > kDepthMax || directories_ >= kDirectoriesMax) {
    complete_ = false;
    return;
  }
  if (!add(path)) {
    if (errno == ENOSPC || errno == ENOMEM) complete_ = false;
    return;  // gone since it was listed: its parent tells
  }
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  while (const dirent* entry = directory ? ::readdir(directory.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    const std::string child = path + "/" + entry->d_name;
    struct stat status{};
    if (::lstat(child.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) add_tree(child, depth + 1);
  }
}

// A parent is watched for the sake of one name; what else happens there matters only if the path is
// a link into it.
bool Watch::Handler::concerns_us(const inotify_event& event) const {
  if (event.wd != parent_watch_ || event.len == 0) return true;
  const std::string_view name = event.name;
  if (path_ == name || path_.ends_with("/" + std::string(name))) return true;
  struct stat status{};
  return ::lstat(path_.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
}

void Watch::Handler::on_io(std::uint32_t) {
  if (stopped_) return;
  bool changed = false;
  alignas(inotify_event) char buffer[16384];
  while (true) {
    const ssize_t got = ::read(fd_.get(), buffer, sizeof buffer);
    if (got <= 0) break;
    for (ssize_t at = 0; at < got;) {
      const auto& event = *reinterpret_cast<const inotify_event*>(buffer + at);
      changed = changed || concerns_us(event);
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
  }
  if (!changed) return;
  const Instant now = loop_.now();
  if (!timer_.armed()) burst_began_ = now;
  if (now - burst_began_ < quiet_ * kQuietTimesMax || !timer_.armed()) loop_.arm(timer_, quiet_);
}

void Watch::Handler::on_quiet() {
  // Without a new descriptor the old one keeps watching, and the callback still runs.
  if (!rebuild()) complete_ = false;
  on_change_();
}

Watch::Watch(Loop& loop, std::unique_ptr<Handler> handler)
    : loop_(loop), handler_(std::move(handler)) {}

Watch::~Watch() {
  handler_->stop();
  loop_.retire(std::move(handler_));
}

bool Watch::complete() const { return handler_->complete(); }

Result<std::unique_ptr<Watch>> Watch::make(Loop& loop, std::string path, Duration quiet,
                                           Callback<> on_change) {
  auto handler = std::make_unique<Handler>(loop, std::move(path), quiet, std::move(on_change));
  if (auto started = handler->start(); !started) return std::unexpected(std::move(started.error()));
  return std::unique_ptr<Watch>(new Watch(loop, std::move(handler)));
}

}  // namespace headgate::io
