#pragma once
// The fields of a stored response as the store keeps them: one run of bytes, read back as views
// without a copy. Pure.
//
// A byte names the format, four the table of field ids, since a stored head outlives the build:
// another build finds the ids by their names. Then flags (1 byte), how many fields there are (2,
// little-endian), and of each its id (1), the length of its name (2) and of its value (4). Last the
// fields as HTTP/1 has them, so that an answer may copy all of them at once: name, ": ", value, CR
// LF.
#include <string>
#include <string_view>

#include "wire/http/field.h"

namespace headgate::proxy {

// Overwrites `out`. No head that a parser takes reaches its limits: 65535 fields, and bytes of a
// name.
void write_stored_head(std::string& out, const wire::http::Fields& fields);

// Appends views into `head`. False: these are not the bytes of a head; `out` is as it was.
bool read_stored_head(std::string_view head, wire::http::Fields& out);

// All fields as lines of HTTP/1, if an answer has nothing to change in them or to add to them: they
// have a Date, and no Via that would be continued. Empty otherwise. `head`: bytes that
// write_stored_head() made, or that were read once.
std::string_view unchanging_lines(std::string_view head);

}  // namespace headgate::proxy
