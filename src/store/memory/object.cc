#include "store/memory/object.h"

#include <new>

namespace headgate::store::memory {
namespace {
std::size_t bytes_for(const Draft& draft) {
  return sizeof(Object) + draft.labels.size() * sizeof(LabelId) + draft.metadata.size() +
         draft.head.size() + draft.selector.size();
}
}  // namespace

Ref<Object> Object::create(Budget& budget, const Draft& draft, Ref<Body> body) {
  HG_CHECK(draft.metadata.size() <= kMetadataBytesMax, "metadata is a small struct of ours");
  void* memory = budget.allocate(bytes_for(draft));
  return Ref<Object>::adopt(::new (memory) Object(budget, draft, std::move(body)));
}

Object::Object(Budget& budget, const Draft& draft, Ref<Body> body)
    : budget_(budget),
      body_(std::move(body)),
      secondary_(draft.secondary),
      head_bytes_(static_cast<std::uint32_t>(draft.head.size())),
      selector_bytes_(static_cast<std::uint32_t>(draft.selector.size())),
      metadata_bytes_(static_cast<std::uint16_t>(draft.metadata.size())),
      label_count_(static_cast<std::uint16_t>(draft.labels.size())) {
  char* at = bytes();
  for (const std::string_view part : {draft.metadata, draft.head, draft.selector}) {
    if (!part.empty()) std::memcpy(at, part.data(), part.size());
    at += part.size();
  }
}

std::size_t Object::allocated() const {
  return sizeof(Object) + label_count_ * sizeof(LabelId) + metadata_bytes_ + head_bytes_ +
         selector_bytes_;
}

void Object::destroy() {
  Budget& budget = budget_;
  const std::size_t bytes = allocated();
  this->~Object();
  budget.release(this, bytes);
}

}  // namespace headgate::store::memory
