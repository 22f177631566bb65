#pragma once
// The fields of a stored response as the store keeps them: one run of bytes, read back as views
// without a copy. Pure.
//
// Four bytes name the table of field ids that wrote it, since a stored head outlives the build:
// another build finds the ids by their names. Then each field: its id (1 byte), the length of its
// name (2, little-endian), the length of its value (4), name, value.
#include <string>
#include <string_view>

#include "wire/http/field.h"

namespace headgate::proxy {

void begin_stored_head(std::string& out);  // overwrites
void append_stored_field(std::string& out, const wire::http::Field& field);

// Appends views into `head`. False: these are not the bytes of a head; `out` is as it was.
bool read_stored_head(std::string_view head, wire::http::Fields& out);

}  // namespace headgate::proxy
