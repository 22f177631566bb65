#pragma once
// Makers of the libraries' streams; null when the library refuses (no memory). Private to this
// module.
#include <memory>

#include "wire/content_coding/encoder.h"

namespace headgate::wire::content_coding {

std::unique_ptr<Stream> make_gzip(int level);
std::unique_ptr<Stream> make_brotli(int level);
std::unique_ptr<Stream> make_zstd(int level);

}  // namespace headgate::wire::content_coding
