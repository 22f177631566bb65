#pragma once
// Tells a loop that a file or a directory tree changed (inotify), after things have been quiet for
// a moment. Holds through editors that rename over a file, Secrets that swap a symbolic link, and a
// root that goes and comes back: after each burst all watches are made anew before the callback
// runs, so whatever the callback reads is watched. The callback may run without a visible change;
// it never stays away after one. Loop's thread. Limit: kDirectoriesMax; a larger tree is refused,
// and a tree that grows beyond it is watched in part (complete() false).
#include <memory>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "io/callback.h"
#include "io/loop.h"

namespace headgate::io {

class Watch {
 public:
  static constexpr int kDirectoriesMax = 4096;
  static constexpr int kDepthMax = 32;
  // Under a constant stream of changes the callback runs at least once in this many quiet times.
  static constexpr int kQuietTimesMax = 10;

  // `path` need not exist yet, but its parent directory must.
  static Result<std::unique_ptr<Watch>> make(Loop& loop, std::string path, Duration quiet,
                                             Callback<> on_change);
  ~Watch();
  bool complete() const;

 private:
  class Handler;
  Watch(Loop& loop, std::unique_ptr<Handler> handler);
  Loop& loop_;
  std::unique_ptr<Handler> handler_;
};

}  // namespace headgate::io
