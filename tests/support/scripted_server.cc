#include "tests/support/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <stdexcept>

namespace test {
namespace {

std::size_t content_length(std::string head) {
  std::ranges::transform(head, head.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto at = head.find("\r\ncontent-length:");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 17));
}

}  // namespace

// One connection, with TLS or without.
class ServedConnection {
 public:
  ServedConnection(int descriptor, SSL_CTX* tls) : descriptor_(descriptor) {
    if (tls == nullptr) return;
    ssl_.reset(SSL_new(tls));
    SSL_set_fd(ssl_.get(), descriptor);
    good_ = SSL_accept(ssl_.get()) == 1;
  }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool receive(std::string& buffer) {
    char bytes[8192];
    const auto got = ssl_ ? SSL_read(ssl_.get(), bytes, sizeof bytes) : ::recv(descriptor_, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    buffer.append(bytes, static_cast<std::size_t>(got));
    return true;
  }
  bool send(std::string_view text) {
    while (!text.empty()) {
      const auto sent = ssl_ ? SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()))
                             : ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  [[nodiscard]] std::string client() const {
    const X509* certificate = ssl_ ? SSL_get0_peer_certificate(ssl_.get()) : nullptr;
    if (certificate == nullptr) return {};
    char name[256] = {};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
    return name;
  }

 private:
  int descriptor_;
  base::SslPtr ssl_;
  bool good_ = true;
};

namespace {

bool read_request(ServedConnection& connection, std::string& buffer, ScriptedServer::Request& request) {
  std::size_t end = 0;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
    if (!connection.receive(buffer)) return false;
  }
  request.head = buffer.substr(0, end + 4);
  const std::size_t size = content_length(request.head);
  while (buffer.size() < end + 4 + size) {
    if (!connection.receive(buffer)) return false;
  }
  request.body = buffer.substr(end + 4, size);
  buffer.erase(0, end + 4 + size);
  const auto first = request.head.find(' ');
  const auto second = request.head.find(' ', first + 1);
  request.method = request.head.substr(0, first);
  request.target = request.head.substr(first + 1, second - first - 1);
  return true;
}

std::string written(const ScriptedServer::Reply& reply, const std::string& method) {
  std::string text = "HTTP/1.1 " + std::to_string(reply.status) + " Scripted\r\n";
  for (const auto& [name, value] : reply.headers) text += name + ": " + value + "\r\n";
  if (reply.feed) return text + "Transfer-Encoding: chunked\r\n\r\n";
  text += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n";
  return method == "HEAD" ? text : text + reply.body;
}

// Whether the connection can be used again.
bool pass_on(ServedConnection& connection, Feed& feed) {
  while (const auto piece = feed.next()) {
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", piece->size());
    if (!connection.send(size + *piece + "\r\n")) return false;
  }
  return !feed.broken() && connection.send("0\r\n\r\n");
}

base::SslCtxPtr tls_context(const TlsIdentity& identity) {
  base::SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  const auto reader = [](const std::string& pem) {
    return base::BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  };
  const base::BioPtr chain = reader(identity.chain_pem);
  const base::X509Ptr leaf(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
  const base::EvpPkeyPtr key(PEM_read_bio_PrivateKey(reader(identity.key_pem).get(), nullptr, nullptr, nullptr));
  if (SSL_CTX_use_cert_and_key(context.get(), leaf.get(), key.get(), nullptr, 1) != 1) {
    throw std::runtime_error("the scripted server cannot show its certificate");
  }
  while (X509* above = PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)) {
    SSL_CTX_add_extra_chain_cert(context.get(), above);
  }
  if (!identity.client_ca_pem.empty()) {
    const base::X509Ptr ca(PEM_read_bio_X509(reader(identity.client_ca_pem).get(), nullptr, nullptr, nullptr));
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), ca.get());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  }
  ERR_clear_error();  // the end of a PEM text is an error to OpenSSL
  return context;
}

}  // namespace

ScriptedServer::ScriptedServer(Answer answer) : answer_(std::move(answer)) {
  listen();
}

void ScriptedServer::listen() {
  listening_ = ::socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  ::setsockopt(listening_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port_));
  socklen_t size = sizeof address;
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listening_, plain, size) != 0 || ::listen(listening_, 64) != 0 ||
      ::getsockname(listening_, plain, &size) != 0) {
    throw std::runtime_error("the scripted server cannot listen");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { accept_all(); });
}

ScriptedServer::ScriptedServer(Answer answer, const TlsIdentity& identity) : ScriptedServer(std::move(answer)) {
  show(identity);
}

void ScriptedServer::stop_listening() {
  if (!acceptor_.joinable()) return;
  ::shutdown(listening_, SHUT_RDWR);
  acceptor_.join();
  ::close(listening_);
}

void ScriptedServer::go_away() {
  stop_listening();
  drop_connections();
}

void ScriptedServer::come_back() {
  listen();
}

ScriptedServer::~ScriptedServer() {
  stop_listening();
  {
    const std::lock_guard lock(mutex_);
    for (const int connection : connections_) ::shutdown(connection, SHUT_RDWR);
    for (const auto& feed : feeds_) {
      if (const auto open = feed.lock()) open->break_off();
    }
  }
  threads_.clear();
  for (const int connection : connections_) ::close(connection);
}

std::string ScriptedServer::url(std::string_view target) const {
  const std::lock_guard lock(mutex_);
  return (tls_ ? "https://" : "http://") + address() + std::string(target);
}

std::string ScriptedServer::address() const {
  return "127.0.0.1:" + std::to_string(port_);
}

void ScriptedServer::show(const TlsIdentity& identity) {
  const std::lock_guard lock(mutex_);
  tls_ = tls_context(identity);
}

void ScriptedServer::drop_connections() {
  const std::lock_guard lock(mutex_);
  for (const int connection : connections_) ::shutdown(connection, SHUT_RDWR);
}

std::vector<ScriptedServer::Request> ScriptedServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void ScriptedServer::accept_all() {
  for (;;) {
    const int connection = ::accept(listening_, nullptr, nullptr);
    if (connection < 0) return;
    const std::lock_guard lock(mutex_);
    connections_.push_back(connection);
    threads_.emplace_back([this, connection] { serve(connection); });
  }
}

void ScriptedServer::serve(int descriptor) {
  std::string buffer;
  Request request;
  base::SslCtxPtr tls;
  {
    const std::lock_guard lock(mutex_);
    if (tls_ && SSL_CTX_up_ref(tls_.get()) == 1) tls.reset(tls_.get());
  }
  sigset_t pipe;  // OpenSSL writes without MSG_NOSIGNAL
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  ServedConnection connection(descriptor, tls.get());
  while (connection.good() && read_request(connection, buffer, request)) {
    request.client = connection.client();
    Reply reply;
    {
      // Not under the lock of the rest: an answer may say the server's own URLs.
      const std::lock_guard one_at_a_time(answering_);
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      reply = answer_(request);
      const std::lock_guard lock(mutex_);
      if (reply.feed) feeds_.push_back(reply.feed);
    }
    if (reply.fate == Reply::Fate::lost || !connection.send(written(reply, request.method))) break;
    if (reply.feed && !pass_on(connection, *reply.feed)) break;
  }
  ::shutdown(descriptor, SHUT_RDWR);
}

std::string ScriptedServer::Request::header(std::string_view name) const {
  const auto low = [](unsigned char c) { return static_cast<char>(std::tolower(c)); };
  std::string lower = head;
  std::string wanted = "\r\n" + std::string(name) + ": ";
  std::ranges::transform(lower, lower.begin(), low);
  std::ranges::transform(wanted, wanted.begin(), low);
  const auto at = lower.find(wanted);
  if (at == std::string::npos) return {};
  const auto begin = at + wanted.size();
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

void Feed::say(std::string bytes) {
  const std::lock_guard lock(mutex_);
  said_.push_back(std::move(bytes));
  changed_.notify_all();
}

void Feed::end() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

void Feed::break_off() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  broken_ = true;
  changed_.notify_all();
}

std::optional<std::string> Feed::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !said_.empty() || ended_; });
  if (said_.empty()) return std::nullopt;
  std::string first = std::move(said_.front());
  said_.pop_front();
  return first;
}

bool Feed::broken() const {
  const std::lock_guard lock(mutex_);
  return broken_;
}

}  // namespace test
