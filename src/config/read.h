#pragma once
// One JSON document -> objects: finds the kind, validates, fills in defaults. The API and the file
// loader meet here.
#include "config/object.h"

namespace headgate::config {

// `kind: List` gives several. Objects with problems are in the result too, as not valid, if they
// have kind and name.
Objects read_document(Document document, const std::shared_ptr<const std::string>& file,
                      Problems& problems);
// Keeps the first of objects of the same kind and name, and reports the others with both places.
void drop_duplicates(Objects& objects, Problems& problems);

}  // namespace headgate::config
