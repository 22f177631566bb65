#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "config/config.h"
#include "config/read.h"

namespace headgate::config {
namespace {

namespace fs = std::filesystem;

void report(Problems& problems, const std::string& file, std::string message,
            Severity severity = Severity::kError) {
  problems.add({severity, file, 0, {}, {}, std::move(message), {}});
}

bool is_yaml(const fs::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml";
}
bool is_hidden(const fs::path& path) { return path.filename().native().starts_with('.'); }

// Files of one directory tree. A link is followed when it stays inside of the tree (as volumes of
// Kubernetes have them).
class Walk {
 public:
  Walk(fs::path root, Problems& problems) : problems_(problems) {
    std::error_code error;
    real_root_ = fs::canonical(root, error);
  }

  void visit(const fs::path& directory, int depth) {
    std::error_code error;
    std::vector<fs::directory_entry> entries;
    for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error))
      if (!is_hidden(it->path())) entries.push_back(*it);
    if (error) return report(problems_, directory.native(), "cannot be read: " + error.message());
    std::sort(entries.begin(), entries.end(), [](auto& a, auto& b) { return a.path() < b.path(); });
    for (const fs::directory_entry& entry : entries) visit_entry(entry, depth);
  }

  std::vector<std::string> files;

 private:
  void visit_entry(const fs::directory_entry& entry, int depth) {
    std::error_code error;
    if (entry.is_symlink(error) && !stays_inside(entry.path())) {
      if (is_yaml(entry.path()))
        report(problems_, entry.path().native(), "left out: a link that leads out of the directory",
               Severity::kWarning);
      return;
    }
    if (entry.is_directory(error)) {
      if (entry.is_symlink(error)) return;  // its target is visited where it stands, or not at all
      if (depth >= kDirectoryDepthMax)
        return report(problems_, entry.path().native(),
                      fmt::format("expected at most {} levels of directories", kDirectoryDepthMax));
      return visit(entry.path(), depth + 1);
    }
    if (!is_yaml(entry.path())) return;
    if (!entry.is_regular_file(error))
      return report(problems_, entry.path().native(), "expected a regular file");
    if (files.size() < kFilesMax) return files.push_back(entry.path().native());
    if (!full_)
      report(problems_, entry.path().native(), fmt::format("expected at most {} files", kFilesMax));
    full_ = true;
  }

  bool stays_inside(const fs::path& link) const {
    std::error_code error;
    const fs::path target = fs::canonical(link, error);
    if (error) return false;
    const auto [end, ignored] =
        std::mismatch(real_root_.begin(), real_root_.end(), target.begin(), target.end());
    return end == real_root_.end();
  }

  fs::path real_root_;
  Problems& problems_;
  bool full_ = false;
};

std::vector<std::string> find_files(const std::vector<std::string>& paths, Problems& problems) {
  std::vector<std::string> out;
  for (const std::string& path : paths) {
    std::error_code error;
    const auto status = fs::status(path, error);
    if (error || status.type() == fs::file_type::not_found) {
      report(problems, path, "no such file or directory");
    } else if (fs::is_directory(status)) {
      Walk walk(path, problems);
      walk.visit(path, 1);
      if (walk.files.empty())
        report(problems, path, "expected .yaml or .yml files below this directory, found none");
      out.insert(out.end(), walk.files.begin(), walk.files.end());
    } else {
      out.push_back(path);
    }
  }
  return out;
}

bool read_file(const std::string& path, std::string& out, Problems& problems) {
  std::ifstream in(path, std::ios::binary);
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (!error && size > kFileBytesMax) {
    report(problems, path,
           fmt::format("expected a file of at most {} bytes, got {}", kFileBytesMax, size));
    return false;
  }
  out.clear();
  char block[65536];
  while (in.read(block, sizeof block) || in.gcount() > 0)
    out.append(block, static_cast<std::size_t>(in.gcount()));
  if (in.bad() || !in.is_open()) {
    report(problems, path, "cannot be read");
    return false;
  }
  return true;
}

std::shared_ptr<const Object> at_place(const std::shared_ptr<const Object>& object,
                                       const std::shared_ptr<const std::string>& file,
                                       int first_line) {
  if (object->first_line == first_line && *object->file == *file) return object;
  auto moved = std::make_shared<Object>(*object);
  moved->line += first_line - object->first_line;
  moved->first_line = first_line;
  moved->file = file;
  return moved;
}

// Texts -> objects, with what the load before has read.
class Loading {
 public:
  Loading(const LoadCache* before, LoadCache* now) : before_(before), now_(now) {}

  void add_text(std::string_view text, std::string_view name) {
    const auto file = std::make_shared<const std::string>(name);
    for (const DocumentText& document : split_documents(text)) {
      if (out_.objects.size() >= kObjectsMax)
        return report(out_.problems, *file,
                      fmt::format("expected at most {} objects", kObjectsMax));
      Objects objects = objects_of(document, file);
      out_.objects.insert(out_.objects.end(), std::make_move_iterator(objects.begin()),
                          std::make_move_iterator(objects.end()));
    }
  }
  Problems& problems() { return out_.problems; }
  Loaded finish() && {
    drop_duplicates(out_.objects, out_.problems);
    return std::move(out_);
  }

 private:
  Objects objects_of(const DocumentText& document, const std::shared_ptr<const std::string>& file) {
    const Objects* known = before_ ? before_->find(document.text) : nullptr;
    Objects objects;
    if (known) {
      for (const auto& object : *known)
        objects.push_back(at_place(object, file, document.first_line));
    } else {
      ++out_.documents_parsed;
      const std::size_t errors = out_.problems.errors();
      if (auto parsed = parse_document(document, *file, out_.problems))
        objects = read_document(std::move(*parsed), file, out_.problems);
      if (out_.problems.errors() > errors) return objects;
    }
    if (now_) now_->keep(document.text, objects);
    return objects;
  }

  const LoadCache* before_;
  LoadCache* now_;
  Loaded out_;
};

Loaded load_files(const std::vector<std::string>& paths, Loading loading) {
  std::string text;
  for (const std::string& file : find_files(paths, loading.problems()))
    if (read_file(file, text, loading.problems())) loading.add_text(text, file);
  return std::move(loading).finish();
}

}  // namespace

Loaded load(const std::vector<std::string>& paths) {
  return load_files(paths, Loading(nullptr, nullptr));
}

Loaded load(const std::vector<std::string>& paths, LoadCache& cache) {
  LoadCache now;
  Loaded out = load_files(paths, Loading(&cache, &now));
  cache = std::move(now);
  return out;
}

Loaded load_text(std::string_view text, std::string_view name) {
  Loading loading(nullptr, nullptr);
  loading.add_text(text, name);
  return std::move(loading).finish();
}

Loaded load_text(std::string_view text, std::string_view name, LoadCache& cache) {
  LoadCache now;
  Loading loading(&cache, &now);
  loading.add_text(text, name);
  cache = std::move(now);
  return std::move(loading).finish();
}

}  // namespace headgate::config
