#include "config/object.h"

#include "config/value.h"

namespace headgate::config {

const Json& Object::spec() const { return at(*value, "spec"); }
std::string Object::key() const { return name_space.empty() ? name : name_space + "/" + name; }

Report Object::report_to(Problems& problems) const {
  Report report;
  report.problems = &problems;
  if (file) report.file = *file;
  report.object = label;
  report.lines = lines.get();
  report.root = root;
  report.first_line = first_line;
  report.line = line;
  return report;
}

}  // namespace headgate::config
