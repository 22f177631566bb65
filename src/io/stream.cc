#include "io/stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace headgate::io {

namespace {

// Head and body that go out together are joined up to one TLS record; more than that is sent as it lies.
constexpr std::size_t kJoinBytesMax = 16384;

// A socket BIO that remembers whether the last receive came back short, which means that the kernel holds nothing more:
// saves the EAGAIN call that an edge-triggered reader would make after every message.
struct BioState {
  int fd = -1;
  bool drained = false;
  int last_errno = 0;
};

BioState& state_of(BIO* bio) { return *static_cast<BioState*>(BIO_get_data(bio)); }

int bio_read(BIO* bio, char* into, int capacity) {
  BioState& state = state_of(bio);
  BIO_clear_retry_flags(bio);
  const Transfer transfer = receive(state.fd, into, static_cast<std::size_t>(capacity));
  const bool open = transfer.state == Transfer::State::kDone || transfer.state == Transfer::State::kWouldBlock;
  state.drained = open && transfer.bytes < static_cast<std::size_t>(capacity);
  state.last_errno = transfer.error;
  if (transfer.state == Transfer::State::kWouldBlock) BIO_set_retry_read(bio);
  if (transfer.state == Transfer::State::kDone) return static_cast<int>(transfer.bytes);
  return transfer.state == Transfer::State::kClosed ? 0 : -1;
}

int bio_write(BIO* bio, const char* bytes, int length) {
  BioState& state = state_of(bio);
  BIO_clear_retry_flags(bio);
  const Transfer transfer = send(state.fd, std::string_view(bytes, static_cast<std::size_t>(length)));
  state.last_errno = transfer.error;
  if (transfer.state == Transfer::State::kWouldBlock) BIO_set_retry_write(bio);
  return transfer.state == Transfer::State::kDone ? static_cast<int>(transfer.bytes) : -1;
}

long bio_control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DUP: return 1;
    case BIO_CTRL_EOF: return 0;
    case BIO_CTRL_GET_CLOSE: return BIO_get_shutdown(bio);
    default: return 0;
  }
}

int bio_destroy(BIO* bio) {
  delete static_cast<BioState*>(BIO_get_data(bio));
  BIO_set_data(bio, nullptr);
  return 1;
}

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "headgate socket");
  HG_CHECK(method != nullptr, "out of memory at start");
  BIO_meth_set_read(method, bio_read);
  BIO_meth_set_write(method, bio_write);
  BIO_meth_set_ctrl(method, bio_control);
  BIO_meth_set_destroy(method, bio_destroy);
  return method;
}

BIO* make_bio(int fd) {
  static BIO_METHOD* const method = make_method();
  BIO* bio = BIO_new(method);
  HG_CHECK(bio != nullptr, "out of memory");
  BIO_set_data(bio, new BioState{fd});
  BIO_set_init(bio, 1);
  return bio;
}

Transfer from_ssl_error(SSL* ssl, int result) {
  switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return {Transfer::State::kWouldBlock, 0, 0};
    case SSL_ERROR_ZERO_RETURN: return {Transfer::State::kClosed, 0, 0};
    default: break;
  }
  const int error = state_of(SSL_get_rbio(ssl)).last_errno;
  ERR_clear_error();
  // A peer that ends the connection without close_notify: HTTP framing decides whether that truncates a message.
  if (error == 0 && result == 0) return {Transfer::State::kClosed, 0, 0};
  return {Transfer::State::kFailed, 0, error != 0 ? error : EPROTO};
}

}  // namespace

void SslFree::operator()(SSL* ssl) const { SSL_free(ssl); }

Stream::Stream(Fd fd, SslPtr ssl) : fd_(std::move(fd)), ssl_(std::move(ssl)) {
  BIO* bio = make_bio(fd_.get());
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_set_read_ahead(ssl_.get(), 1);
}

Transfer::State Stream::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return Transfer::State::kDone;
  const int kind = SSL_get_error(ssl_.get(), result);
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE || kind == SSL_ERROR_WANT_CLIENT_HELLO_CB) {
    return Transfer::State::kWouldBlock;
  }
  return Transfer::State::kFailed;
}

std::string Stream::handshake_error() const {
  const long verify = SSL_get_verify_result(ssl_.get());
  if (verify != X509_V_OK) return std::string("certificate: ") + X509_verify_cert_error_string(verify);
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason ? reason : "the peer closed the connection during the handshake";
}

Transfer Stream::read(char* into, std::size_t capacity) {
  if (ssl_) return read_tls(into, capacity);
  const Transfer transfer = receive(fd_.get(), into, capacity);
  drained_ = transfer.bytes < capacity && transfer.state != Transfer::State::kClosed;
  return transfer;
}

// Fills the buffer from several records, so that one call of the reader sees all that has arrived.
Transfer Stream::read_tls(char* into, std::size_t capacity) {
  BioState& bio = state_of(SSL_get_rbio(ssl_.get()));
  std::size_t filled = 0;
  drained_ = false;
  while (filled < capacity) {
    ERR_clear_error();
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl_.get(), into + filled, capacity - filled, &got);
    if (result != 1) {
      const Transfer failed = from_ssl_error(ssl_.get(), result);
      if (failed.state == Transfer::State::kWouldBlock) drained_ = true;
      if (filled > 0) return {Transfer::State::kDone, filled, 0};
      return failed;
    }
    filled += got;
    if (SSL_has_pending(ssl_.get()) == 0 && bio.drained) {
      drained_ = true;
      break;
    }
  }
  return {Transfer::State::kDone, filled, 0};
}

Transfer Stream::write(std::string_view bytes) {
  if (bytes.empty()) return {};
  return ssl_ ? write_tls(bytes) : send(fd_.get(), bytes);
}

Transfer Stream::write(std::string_view first, std::string_view second, std::string_view third) {
  if (second.empty() && third.empty()) return write(first);
  if (first.empty() && third.empty()) return write(second);
  if (ssl_) return write_tls_joined(first, second, third);
  const iovec pieces[3] = {{const_cast<char*>(first.data()), first.size()},
                           {const_cast<char*>(second.data()), second.size()},
                           {const_cast<char*>(third.data()), third.size()}};
  return send(fd_.get(), pieces);
}

// Copies the pieces through a record-sized buffer, so that a response of one record leaves as one record.
Transfer Stream::write_tls_joined(std::string_view first, std::string_view second, std::string_view third) {
  char joined[kJoinBytesMax];
  std::size_t filled = 0, sent = 0;
  const auto send_joined = [&] {
    const Transfer transfer = write_tls({joined, filled});
    sent += transfer.bytes;
    const bool whole = transfer.state == Transfer::State::kDone && transfer.bytes == filled;
    filled = 0;
    return std::pair(whole, transfer);
  };
  for (std::string_view piece : {first, second, third}) {
    while (!piece.empty()) {
      const std::size_t part = std::min(piece.size(), kJoinBytesMax - filled);
      std::memcpy(joined + filled, piece.data(), part);
      filled += part;
      piece.remove_prefix(part);
      if (filled < kJoinBytesMax) continue;
      const auto [whole, transfer] = send_joined();
      if (!whole) return sent > 0 ? Transfer{Transfer::State::kDone, sent, 0} : transfer;
    }
  }
  if (filled == 0) return {Transfer::State::kDone, sent, 0};
  const auto [whole, transfer] = send_joined();
  if (!whole && sent == 0) return transfer;
  return {Transfer::State::kDone, sent, 0};
}

// Goes on until the kernel takes no more: a short count means "wait for writability", as with send().
Transfer Stream::write_tls(std::string_view bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    ERR_clear_error();
    std::size_t put = 0;
    const int result = SSL_write_ex(ssl_.get(), bytes.data() + sent, bytes.size() - sent, &put);
    if (result != 1) {
      const Transfer failed = from_ssl_error(ssl_.get(), result);
      if (sent > 0 && failed.state == Transfer::State::kWouldBlock) break;
      return failed;
    }
    sent += put;
  }
  return {Transfer::State::kDone, sent, 0};
}

void Stream::shutdown() {
  if (ssl_ && SSL_is_init_finished(ssl_.get())) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  if (fd_.valid()) shutdown_write(fd_.get());
}

void Stream::close() {
  ssl_.reset();
  fd_.reset();
}

}  // namespace headgate::io
