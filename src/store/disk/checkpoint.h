#pragma once
// The index as a file, so that a start needs to scan only what was written since. Written to a
// temporary name, synced, renamed; a checksum for each block. An entry is a hint: the record that
// it points to proves itself when it is read, so an old checkpoint can lose objects but never make
// one up. Blocking: the keeper's thread and start-up.
#include <cstdint>

#include "base/result.h"
#include "store/disk/files.h"
#include "store/disk/index.h"

namespace headgate::store::disk {

inline constexpr const char* kCheckpointName = "checkpoint";

// The index may change meanwhile; `covered` is a place up to which it holds all that the log says.
Status write_checkpoint(Files& files, std::uint64_t directory_id, Place covered,
                        const Index& index);

// Puts the entries into an empty index and returns the covered place. On an error (kNotFound: there
// is none; kInvalid: it is damaged or another directory's) the index is empty again.
Result<Place> load_checkpoint(Files& files, std::uint64_t directory_id, Index& index);

}  // namespace headgate::store::disk
