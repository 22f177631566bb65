#include "store/disk/record.h"

#include <algorithm>

#include "base/check.h"
#include "store/disk/checksum.h"
#include "store/disk/little_endian.h"

namespace headgate::store::disk {

namespace {

constexpr std::uint32_t kMagic = 0x43524748;  // "HGRC"

// Where the fields of the head lie.
enum At : std::size_t {
  kChecksum = 0,
  kMagicAt = 4,
  kSalt = 8,
  kSequence = 16,
  kPrimary = 24,
  kVariant = 40,
  kUnused = 56,
  kVersion = 60,
  kKind = 61,
  kStamps = 62,
  kReserved = 63,
  kExpires = 64,
  kBody = 72,
  kHead = 76,
  kKey = 80,
  kSelector = 84,
  kMetadata = 86,
  kRest = 88,
  kUnits = 92,
};

std::uint32_t seed_of(std::uint64_t salt, std::uint64_t sequence) {
  return static_cast<std::uint32_t>(scramble64(salt ^ scramble64(sequence)));
}

void put_hash(char* at, const Hash128& hash) {
  put_number(at, hash.low);
  put_number(at + 8, hash.high);
}

Hash128 get_hash(const char* at) {
  return {get_number<std::uint64_t>(at), get_number<std::uint64_t>(at + 8)};
}

void append_stamps(std::string& out, std::span<const std::uint64_t> stamps) {
  for (const std::uint64_t stamp : stamps) {
    char bytes[sizeof stamp];
    put_number(bytes, stamp);
    out.append(bytes, sizeof bytes);
  }
}

// One checksum for each block, wherever the pieces of the body end.
void append_block_checksums(std::string& out, std::span<const std::string_view> body,
                            std::uint64_t salt, std::uint64_t sequence) {
  std::size_t block = 0;
  std::size_t left = kBlockBytes;
  std::uint32_t sum = block_checksum(salt, sequence, 0, {});
  const auto finish = [&] {
    char bytes[sizeof sum];
    put_number(bytes, sum);
    out.append(bytes, sizeof bytes);
    sum = block_checksum(salt, sequence, ++block, {});
    left = kBlockBytes;
  };
  for (std::string_view piece : body) {
    while (!piece.empty()) {
      const std::size_t taken = std::min(piece.size(), left);
      sum = crc32c(piece.substr(0, taken), sum);
      piece.remove_prefix(taken);
      if ((left -= taken) == 0) finish();
    }
  }
  if (left != kBlockBytes) finish();
}

void encode_head(const RecordHead& head, char* out) {
  put_number(out + kMagicAt, kMagic);
  put_number(out + kSalt, head.salt);
  put_number(out + kSequence, head.sequence);
  put_hash(out + kPrimary, head.id.primary);
  put_hash(out + kVariant, head.id.variant);
  put_number(out + kUnused, std::uint32_t{0});
  out[kVersion] = static_cast<char>(kFormatVersion);
  out[kKind] = static_cast<char>(head.kind);
  out[kStamps] = static_cast<char>(head.stamps);
  out[kReserved] = 0;
  put_number(out + kExpires, head.expires_at.ns);
  put_number(out + kBody, head.body_bytes);
  put_number(out + kHead, head.head_bytes);
  put_number(out + kKey, head.key_bytes);
  put_number(out + kSelector, head.selector_bytes);
  put_number(out + kMetadata, head.metadata_bytes);
  put_number(out + kRest, head.rest_checksum);
  put_number(out + kUnits, head.units());
  put_number(out + kChecksum, crc32c({out + kMagicAt, kRecordHeadBytes - kMagicAt}));
}

bool within_limits(const RecordHead& head) {
  return (head.kind == RecordKind::kObject || head.kind == RecordKind::kRemoval) &&
         head.body_bytes <= kBodyBytesMax && head.head_bytes <= kHeadBytesMax &&
         head.key_bytes <= kKeyBytesMax && head.selector_bytes <= kSelectorBytesMax &&
         head.metadata_bytes <= kMetadataBytesMax;
}

}  // namespace

std::size_t RecordHead::prefix_bytes() const {
  return kRecordHeadBytes + stamps * sizeof(std::uint64_t) + blocks() * sizeof(std::uint32_t) +
         metadata_bytes + key_bytes + selector_bytes + head_bytes;
}

std::uint64_t RecordContent::body_bytes() const {
  std::uint64_t bytes = 0;
  for (const std::string_view piece : body) bytes += piece.size();
  return bytes;
}

bool RecordContent::within_limits() const {
  return body_bytes() <= kBodyBytesMax && head.size() <= kHeadBytesMax &&
         key.size() <= kKeyBytesMax && selector.size() <= kSelectorBytesMax &&
         metadata.size() <= kMetadataBytesMax && stamps.size() <= kStampsMax;
}

RecordHead head_of(const RecordContent& content, std::uint64_t salt, std::uint64_t sequence) {
  HG_CHECK(content.within_limits(), "the store refuses what is too long before it comes here");
  RecordHead head;
  head.kind = content.kind;
  head.id = content.id;
  head.salt = salt;
  head.sequence = sequence;
  head.expires_at = content.expires_at;
  head.body_bytes = static_cast<std::uint32_t>(content.body_bytes());
  head.head_bytes = static_cast<std::uint32_t>(content.head.size());
  head.key_bytes = static_cast<std::uint32_t>(content.key.size());
  head.selector_bytes = static_cast<std::uint16_t>(content.selector.size());
  head.metadata_bytes = static_cast<std::uint16_t>(content.metadata.size());
  head.stamps = static_cast<std::uint8_t>(content.stamps.size());
  return head;
}

std::string encode_prefix(const RecordContent& content, std::uint64_t salt,
                          std::uint64_t sequence) {
  RecordHead head = head_of(content, salt, sequence);
  std::string out;
  out.reserve(head.prefix_bytes());
  out.resize(kRecordHeadBytes);
  append_stamps(out, content.stamps);
  append_block_checksums(out, content.body, salt, sequence);
  for (const std::string_view part :
       {content.metadata, content.key, content.selector, content.head})
    out += part;
  HG_CHECK(out.size() == head.prefix_bytes(), "the head says how long the prefix is");
  const std::string_view rest = std::string_view(out).substr(kRecordHeadBytes);
  head.rest_checksum = crc32c(rest, seed_of(salt, sequence));
  encode_head(head, out.data());
  return out;
}

std::optional<RecordHead> decode_record_head(std::string_view bytes, std::uint64_t salt,
                                             std::uint64_t sequence) {
  if (bytes.size() < kRecordHeadBytes) return std::nullopt;
  const char* in = bytes.data();
  if (get_number<std::uint32_t>(in + kMagicAt) != kMagic) return std::nullopt;
  if (get_number<std::uint32_t>(in + kChecksum) !=
      crc32c({in + kMagicAt, kRecordHeadBytes - kMagicAt}))
    return std::nullopt;
  RecordHead head;
  head.kind = static_cast<RecordKind>(in[kKind]);
  head.id = {get_hash(in + kPrimary), get_hash(in + kVariant)};
  head.salt = get_number<std::uint64_t>(in + kSalt);
  head.sequence = get_number<std::uint64_t>(in + kSequence);
  head.expires_at = {get_number<std::int64_t>(in + kExpires)};
  head.body_bytes = get_number<std::uint32_t>(in + kBody);
  head.head_bytes = get_number<std::uint32_t>(in + kHead);
  head.key_bytes = get_number<std::uint32_t>(in + kKey);
  head.selector_bytes = get_number<std::uint16_t>(in + kSelector);
  head.metadata_bytes = get_number<std::uint16_t>(in + kMetadata);
  head.stamps = static_cast<std::uint8_t>(in[kStamps]);
  head.rest_checksum = get_number<std::uint32_t>(in + kRest);
  if (head.salt != salt || head.sequence != sequence || in[kVersion] != char{kFormatVersion} ||
      in[kReserved] != 0 || !within_limits(head) ||
      get_number<std::uint32_t>(in + kUnits) != head.units())
    return std::nullopt;
  return head;
}

std::uint64_t RecordPrefix::stamp(std::size_t index) const {
  return get_number<std::uint64_t>(stamps.data() + index * sizeof(std::uint64_t));
}

std::uint32_t RecordPrefix::block_checksum(std::size_t index) const {
  return get_number<std::uint32_t>(block_checksums.data() + index * sizeof(std::uint32_t));
}

std::optional<RecordPrefix> decode_prefix(const RecordHead& head, std::string_view prefix) {
  if (prefix.size() != head.prefix_bytes()) return std::nullopt;
  std::string_view rest = prefix.substr(kRecordHeadBytes);
  if (crc32c(rest, seed_of(head.salt, head.sequence)) != head.rest_checksum) return std::nullopt;
  const auto take = [&](std::size_t bytes) {
    const std::string_view part = rest.substr(0, bytes);
    rest.remove_prefix(bytes);
    return part;
  };
  RecordPrefix out;
  out.stamps = take(head.stamps * sizeof(std::uint64_t));
  out.block_checksums = take(head.blocks() * sizeof(std::uint32_t));
  out.metadata = take(head.metadata_bytes);
  out.key = take(head.key_bytes);
  out.selector = take(head.selector_bytes);
  out.head = take(head.head_bytes);
  return out;
}

std::uint32_t block_checksum(std::uint64_t salt, std::uint64_t sequence, std::size_t block,
                             std::string_view bytes) {
  return crc32c(bytes, seed_of(salt ^ ~std::uint64_t{block}, sequence));
}

}  // namespace headgate::store::disk
