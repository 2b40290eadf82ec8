#include "proxy/tls_context.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "certstore/certificate.h"
#include "proxy/tls_client_auth.h"
#include "tests/support/mint.h"
#include "tests/support/scratch_folder.h"

namespace proxy {
namespace {

certstore::CertificatePtr certificate(const test::Minted& minted) {
  return *certstore::Certificate::from_pem(minted.chain_pem(), minted.key_pem());
}

// What a client saw of one handshake.
struct Seen {
  bool done = false;
  int alert = 0;      // that the server sent; 0: none
  std::string names;  // of the certificate shown
  bool rsa = false;
  std::string protocol;  // ALPN
  Handshake kind = Handshake::count;
  TlsHandshake server;
};

class TlsContextTest : public testing::Test {
 protected:
  TlsContextTest() : client(SSL_CTX_new(TLS_client_method())), world(std::make_shared<Snapshot>()) {
    world->config = std::make_shared<const config::Config>();
    SSL_CTX_set_session_cache_mode(client.get(), SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(client.get(), keep_session);
    SSL_CTX_set_ex_data(client.get(), 0, this);
  }
  ~TlsContextTest() override { SSL_SESSION_free(session); }

  void serve(std::string_view name, certstore::CertPair pair) {
    const auto* before = world->certificates.get();
    world->certificates = std::make_shared<const certstore::CertIndex>(
        (before != nullptr ? *before : certstore::CertIndex()).with(name, std::move(pair)));
  }
  test::Minted leaf(const std::string& name, test::KeyKind kind = test::KeyKind::ec_p256) const {
    return authority.issue({.names = {name}, .key = kind});
  }
  void with_tls(const config::Tls& tls) {
    auto changed = std::make_shared<config::Config>();
    changed->tls = tls;
    world->config = changed;
    world->client_auth = *ClientAuthTable::load(tls);
  }
  void with_ticket_keys(std::uint8_t fill) {
    auto keys = std::make_shared<certstore::TicketKeySet>();
    keys->keys.resize(1);
    keys->keys[0].name.fill(fill);
    keys->keys[0].aes.fill(fill);
    keys->keys[0].hmac.fill(fill);
    keys->current = 0;
    world->ticket_keys = keys;
  }

  // Client and server in memory. `name` empty: no SNI.
  Seen shake_hands(const std::string& name) { return shake_hands(name, context); }
  Seen shake_hands(const std::string& name, TlsContext& with) {
    Seen seen;
    seen.server.snapshot = world;
    seen.server.local = local;
    const base::SslPtr ssl = with.new_session(seen.server);
    const base::SslPtr speaker(SSL_new(client.get()));
    SSL_set_connect_state(speaker.get());
    if (!name.empty()) SSL_set_tlsext_host_name(speaker.get(), name.c_str());
    if (session != nullptr) SSL_set_session(speaker.get(), session);
    SSL_set_ex_data(speaker.get(), 0, &seen);
    SSL_set_info_callback(speaker.get(), note_alert);
    BIO* one = nullptr;
    BIO* other = nullptr;
    BIO_new_bio_pair(&one, 64 << 10, &other, 64 << 10);
    SSL_set_bio(speaker.get(), one, one);
    SSL_set_bio(ssl.get(), other, other);
    for (int flight = 0; flight < 8; ++flight) {
      const int spoken = SSL_do_handshake(speaker.get());
      const int answered = SSL_do_handshake(ssl.get());
      seen.done = spoken == 1 && answered == 1;
    }
    char byte = 0;
    (void)SSL_read(speaker.get(), &byte, 1);  // tickets of TLS 1.3, or the alert after a refused client certificate
    ERR_clear_error();
    // A connection that is freed without an end takes its session with it.
    SSL_set_shutdown(speaker.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    note(seen, speaker.get(), ssl.get());
    return seen;
  }

  test::Authority authority{"Test root"};
  test::ScratchFolder folder;
  base::SslCtxPtr client;
  std::shared_ptr<Snapshot> world;
  int tickets = 0;  // that came to the client
  TlsContext context;
  std::optional<base::IpAddress> local;  // where the client connected to
  SSL_SESSION* session = nullptr;        // the newest, offered by the next handshake

 private:
  static int keep_session(SSL* ssl, SSL_SESSION* fresh) {
    auto* test = static_cast<TlsContextTest*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0));
    SSL_SESSION_free(test->session);
    test->session = fresh;
    ++test->tickets;
    return 1;
  }
  static void note_alert(const SSL* ssl, int where, int what) {
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
      static_cast<Seen*>(SSL_get_ex_data(ssl, 0))->alert = what & 0xff;
  }
  static void note(Seen& seen, SSL* speaker, SSL* ssl) {
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(speaker, &protocol, &size);
    seen.protocol.assign(reinterpret_cast<const char*>(protocol), size);
    if (seen.done) seen.kind = handshake_kind(ssl);
    const base::X509Ptr shown(SSL_get1_peer_certificate(speaker));
    if (shown == nullptr) return;
    const X509_NAME* subject = X509_get_subject_name(shown.get());
    char name[256] = "";
    X509_NAME_get_text_by_NID(const_cast<X509_NAME*>(subject), NID_commonName, name, sizeof name);
    seen.names = name;
    seen.rsa = EVP_PKEY_get_base_id(X509_get0_pubkey(shown.get())) == EVP_PKEY_RSA;
  }
};

void offer(SSL_CTX* client, std::string_view protocol) {
  std::string list(1, static_cast<char>(protocol.size()));
  list += protocol;
  SSL_CTX_set_alpn_protos(client, reinterpret_cast<const unsigned char*>(list.data()),
                          static_cast<unsigned>(list.size()));
}

// ---- Names

TEST_F(TlsContextTest, WithoutAnyCertificateTheNameIsUnrecognized) {
  const Seen seen = shake_hands("www.example.com");
  EXPECT_FALSE(seen.done);
  EXPECT_EQ(seen.alert, SSL_AD_UNRECOGNIZED_NAME);
  EXPECT_TRUE(seen.server.refused_name);
  EXPECT_EQ(classify_failure(0, seen.server), HandshakeFailure::unknown_name);
}

TEST_F(TlsContextTest, WithoutANameTheAddressGetsItsOwnCertificate) {
  world->certificates = std::make_shared<const certstore::CertIndex>(
      certstore::CertIndex().with_fallback({.ecdsa = certificate(leaf("default.example.com")), .rsa = nullptr}));
  serve("192.0.2.1", {.ecdsa = certificate(leaf("192.0.2.1")), .rsa = nullptr});
  serve("2001:db8::1", {.ecdsa = certificate(leaf("2001:db8::1")), .rsa = nullptr});
  local = base::IpAddress::parse("192.0.2.2");
  EXPECT_EQ(shake_hands("").names, "default.example.com");
  local = base::IpAddress::parse("192.0.2.1");
  EXPECT_EQ(shake_hands("").names, "192.0.2.1");
  EXPECT_EQ(shake_hands("other.example.com").names, "default.example.com");
  local = base::IpAddress::parse("2001:0db8::1");
  EXPECT_EQ(shake_hands("").names, "2001:db8::1");
}

TEST_F(TlsContextTest, RejectsAnUnknownNameOnlyWhenToldTo) {
  serve("a.example", {.ecdsa = certificate(leaf("a.example")), .rsa = nullptr});
  world->certificates = std::make_shared<const certstore::CertIndex>(
      world->certificates->with_fallback({.ecdsa = certificate(leaf("default.example")), .rsa = nullptr}));
  EXPECT_EQ(shake_hands("other.example").names, "default.example");
  with_tls({.unknown_name = config::UnknownName::reject});
  EXPECT_EQ(shake_hands("other.example").alert, SSL_AD_UNRECOGNIZED_NAME);
  EXPECT_EQ(shake_hands("").names, "default.example") << "no name is not an unknown one";
}

TEST_F(TlsContextTest, ShowsTheExactNameThenTheWildcardInAnyCase) {
  serve("*.example.com", {.ecdsa = certificate(leaf("*.example.com")), .rsa = nullptr});
  serve("www.example.com", {.ecdsa = certificate(leaf("www.example.com")), .rsa = nullptr});
  EXPECT_EQ(shake_hands("www.example.com").names, "www.example.com");
  EXPECT_EQ(shake_hands("WWW.Example.COM").names, "www.example.com");
  EXPECT_EQ(shake_hands("api.example.com").names, "*.example.com");
  EXPECT_FALSE(shake_hands("a.b.example.com").done);
}

TEST_F(TlsContextTest, ShowsNothingForAWithheldNameBeforeItsOwnCertificateIsThere) {
  world->certificates = std::make_shared<const certstore::CertIndex>(
      certstore::CertIndex().with_fallback({.ecdsa = certificate(leaf("default.example")), .rsa = nullptr}));
  serve("*.example.com", {.ecdsa = certificate(leaf("*.example.com")), .rsa = nullptr});
  world->withheld =
      std::make_shared<const certstore::WithheldNames>(std::vector<std::string>{"www.example.com", "shop.example.org"});
  for (const char* name : {"www.example.com", "WWW.example.com", "shop.example.org"}) {
    const Seen seen = shake_hands(name);
    EXPECT_EQ(seen.alert, SSL_AD_UNRECOGNIZED_NAME) << name;
    EXPECT_EQ(classify_failure(0, seen.server), HandshakeFailure::unknown_name) << name;
  }
  EXPECT_EQ(shake_hands("api.example.com").names, "*.example.com");
  EXPECT_EQ(shake_hands("other.example.org").names, "default.example");
  serve("www.example.com", {.ecdsa = certificate(leaf("www.example.com")), .rsa = nullptr});
  EXPECT_EQ(shake_hands("www.example.com").names, "www.example.com");
}

TEST_F(TlsContextTest, NotesUncoveredNamesOnlyWhereTheyAreWanted) {
  serve("*.example.com", {.ecdsa = certificate(leaf("*.example.com")), .rsa = nullptr});
  EXPECT_FALSE(shake_hands("a.example.org").server.uncovered_name);
  world->on_demand = true;
  EXPECT_TRUE(shake_hands("a.example.org").server.uncovered_name);
  EXPECT_FALSE(shake_hands("a.example.com").server.uncovered_name);
  EXPECT_FALSE(shake_hands("").server.uncovered_name);
}

// ---- Kinds of key

TEST_F(TlsContextTest, TheClientsAbilitiesChooseBetweenRsaAndEcdsa) {
  serve("a.example",
        {.ecdsa = certificate(leaf("a.example")), .rsa = certificate(leaf("a.example", test::KeyKind::rsa_2048))});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SSL_CTX_set_max_proto_version(client.get(), version);
    SSL_CTX_set1_sigalgs_list(client.get(), "RSA-PSS+SHA256:ECDSA+SHA256:RSA+SHA256");
    EXPECT_TRUE(shake_hands("a.example").done);
    SSL_CTX_set1_sigalgs_list(client.get(), "RSA-PSS+SHA256:RSA+SHA256");
    EXPECT_TRUE(shake_hands("a.example").rsa);
    SSL_CTX_set1_sigalgs_list(client.get(), "ECDSA+SHA256");
    const Seen seen = shake_hands("a.example");
    EXPECT_TRUE(seen.done);
    EXPECT_FALSE(seen.rsa);
  }
}

TEST_F(TlsContextTest, TheHandshakeKeepsTheWorldItBeganWith) {
  serve("a.example", {.ecdsa = certificate(leaf("a.example")), .rsa = nullptr});
  EXPECT_EQ(shake_hands("a.example").names, "a.example");
  const auto renewed = certificate(leaf("a.example"));
  serve("a.example", {.ecdsa = renewed, .rsa = nullptr});
  EXPECT_TRUE(shake_hands("a.example").done) << "the same context serves the new index";
}

// ---- Protocols

TEST_F(TlsContextTest, NothingInCommonIsNoApplicationProtocol) {
  serve("a.example", {.ecdsa = certificate(leaf("a.example")), .rsa = nullptr});
  offer(client.get(), "spdy/3");
  EXPECT_EQ(shake_hands("a.example").alert, SSL_AD_NO_APPLICATION_PROTOCOL);
  offer(client.get(), "h2");
  EXPECT_EQ(shake_hands("a.example").protocol, "h2");
}

// RFC 8737 §3.
TEST_F(TlsContextTest, AChallengeIsAnsweredByItsOwnCertificateOnly) {
  serve("a.example", {.ecdsa = certificate(leaf("a.example")), .rsa = nullptr});
  offer(client.get(), "acme-tls/1");
  EXPECT_EQ(shake_hands("a.example").alert, SSL_AD_UNRECOGNIZED_NAME) << "no challenge is open";
  auto challenges = std::make_shared<certstore::Challenges>();
  challenges->tls_alpn01["a.example"] =
      certificate(test::self_signed({.names = {"a.example"}, .common_name = "challenge"}));
  world->challenges = challenges;
  const Seen seen = shake_hands("a.example");
  EXPECT_EQ(seen.names, "challenge");
  EXPECT_EQ(seen.protocol, "acme-tls/1");
}

// ---- Resumption

TEST_F(TlsContextTest, ATicketOfAnotherKeyIsAFullHandshake) {
  serve("a.example", {.ecdsa = certificate(leaf("a.example")), .rsa = nullptr});
  with_ticket_keys(1);
  EXPECT_TRUE(shake_hands("a.example").done);
  EXPECT_EQ(shake_hands("a.example").kind, Handshake::tls13_resumed);
  with_ticket_keys(2);
  EXPECT_EQ(shake_hands("a.example").kind, Handshake::tls13_full);
}

// RFC 8446 §C.4: a client uses a ticket once.
TEST_F(TlsContextTest, EveryConnectionOfTls13BringsATicketForTheNext) {
  serve("a.example", {.ecdsa = certificate(leaf("a.example")), .rsa = nullptr});
  with_ticket_keys(1);
  EXPECT_EQ(shake_hands("a.example").kind, Handshake::tls13_full);
  EXPECT_EQ(tickets, 1);
  EXPECT_EQ(shake_hands("a.example").kind, Handshake::tls13_resumed);
  EXPECT_EQ(tickets, 2);
}

TEST_F(TlsContextTest, ATicketWorksOnAnotherWorkersContext) {
  serve("a.example", {.ecdsa = certificate(leaf("a.example")), .rsa = nullptr});
  with_ticket_keys(1);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SSL_CTX_set_max_proto_version(client.get(), version);
    SSL_SESSION_free(std::exchange(session, nullptr));
    EXPECT_TRUE(shake_hands("a.example").done);
    TlsContext other;
    const Seen seen = shake_hands("a.example", other);
    EXPECT_EQ(seen.kind, version == TLS1_2_VERSION ? Handshake::tls12_resumed : Handshake::tls13_resumed);
  }
}

TEST_F(TlsContextTest, WithoutKeysThereAreNoTickets) {
  serve("a.example", {.ecdsa = certificate(leaf("a.example")), .rsa = nullptr});
  EXPECT_TRUE(shake_hands("a.example").done);
  EXPECT_EQ(shake_hands("a.example").kind, Handshake::tls13_full);
}

// ---- Client certificates

TEST_F(TlsContextTest, ATicketGotWithoutACertificateIsWorthNothingWhereOneIsRequired) {
  serve("open.example", {.ecdsa = certificate(leaf("open.example")), .rsa = nullptr});
  serve("closed.example", {.ecdsa = certificate(leaf("closed.example")), .rsa = nullptr});
  folder.write("ca.pem", authority.pem());
  config::Tls tls;
  tls.hosts.push_back(
      {.hosts = {"closed.example"},
       .client_certificates = {.mode = config::ClientCertificateMode::required, .ca_certificates = folder / "ca.pem"}});
  with_tls(tls);
  with_ticket_keys(1);
  EXPECT_TRUE(shake_hands("open.example").done);
  ASSERT_NE(session, nullptr);
  const Seen seen = shake_hands("closed.example");
  EXPECT_NE(seen.kind, Handshake::tls13_resumed);
  EXPECT_EQ(seen.alert, SSL_AD_CERTIFICATE_REQUIRED);
}

TEST_F(TlsContextTest, OnlyACertificateOfTheRightAuthorityIsAccepted) {
  serve("closed.example", {.ecdsa = certificate(leaf("closed.example")), .rsa = nullptr});
  folder.write("ca.pem", authority.pem());
  with_tls(
      {.client_certificates = {.mode = config::ClientCertificateMode::required, .ca_certificates = folder / "ca.pem"}});
  const test::Minted stranger = test::Authority("Another").issue({.names = {"client"}});
  SSL_CTX_use_cert_and_key(client.get(), stranger.certificate.get(), stranger.key.get(), nullptr, 1);
  const Seen refused = shake_hands("closed.example");
  EXPECT_FALSE(refused.done);
  EXPECT_EQ(refused.alert, SSL_AD_UNKNOWN_CA);
  const test::Minted known = leaf("client");
  SSL_CTX_use_cert_and_key(client.get(), known.certificate.get(), known.key.get(), nullptr, 1);
  const Seen accepted = shake_hands("closed.example");
  EXPECT_TRUE(accepted.done) << accepted.alert;
}

// ---- Profiles

TEST_F(TlsContextTest, ANewProfileIsForLaterHandshakes) {
  serve("a.example", {.ecdsa = certificate(leaf("a.example")), .rsa = nullptr});
  SSL_CTX_set_max_proto_version(client.get(), TLS1_2_VERSION);
  EXPECT_TRUE(shake_hands("a.example").done);
  context.set_profile(config::TlsProfile::modern);
  EXPECT_EQ(shake_hands("a.example").alert, SSL_AD_PROTOCOL_VERSION);
}

}  // namespace
}  // namespace proxy
