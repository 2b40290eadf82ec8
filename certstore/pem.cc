#include "certstore/pem.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/openssl.h"
#include "certstore/pem_block.h"

namespace certstore {
namespace {

// What PEM_read_bio hands out; wiped, for it may be a key.
struct Block {
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* bytes = nullptr;
  long size = 0;
  Block() = default;
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() {
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(bytes, static_cast<std::size_t>(size));
  }
};

base::Result<void> sort_in(std::string_view label, std::string_view header, SecretBytes bytes, PemContents& contents) {
  if (label == PEM_STRING_X509 || label == PEM_STRING_X509_OLD) {
    contents.certificates.push_back(std::move(bytes));
    return {};
  }
  // RFC 1421 §4.6.1.1: "Proc-Type: 4,ENCRYPTED", the form of old OpenSSL.
  const bool encrypted = header.find("ENCRYPTED") != std::string_view::npos;
  if (label == PEM_STRING_PKCS8 || (encrypted && label.ends_with("PRIVATE KEY"))) {
    contents.has_encrypted_key = true;
  } else if (label == PEM_STRING_PKCS8INF) {
    contents.keys.push_back({std::move(bytes), KeyLayout::pkcs8});
  } else if (label == PEM_STRING_ECPRIVATEKEY) {
    contents.keys.push_back({std::move(bytes), KeyLayout::sec1});
  } else if (label == PEM_STRING_RSA) {
    contents.keys.push_back({std::move(bytes), KeyLayout::pkcs1});
  } else if (label.ends_with("PRIVATE KEY")) {
    return base::fail(base::Code::invalid, "a private key of an unsupported kind: RSA or EC is expected");
  }
  return {};
}

base::Result<void> read_tolerantly(std::string_view text, PemContents& contents) {
  const base::BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!bio) return base::fail(base::Code::internal, "out of memory");
  for (std::size_t count = 0;; ++count) {
    Block block;
    if (PEM_read_bio(bio.get(), &block.name, &block.header, &block.bytes, &block.size) != 1) {
      const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
      ERR_clear_error();
      if (at_end) return {};
      return base::fail(base::Code::invalid, "PEM block " + std::to_string(count + 1) + " is damaged");
    }
    if (count == most_pem_blocks) {
      return base::fail(base::Code::too_large, "more than " + std::to_string(most_pem_blocks) + " PEM blocks");
    }
    SecretBytes bytes(block.bytes, block.bytes + block.size);
    if (auto sorted = sort_in(block.name, block.header, std::move(bytes), contents); !sorted) return sorted;
  }
}

}  // namespace

base::Result<void> read_pem(std::string_view text, PemContents& contents) {
  auto blocks = strict_blocks(text, most_pem_blocks);
  if (!blocks) return read_tolerantly(text, contents);
  for (PemBlock& block : *blocks) {
    if (auto sorted = sort_in(block.label, "", std::move(block.bytes), contents); !sorted) return sorted;
  }
  return {};
}

std::string write_pem(const char* label, der::Bytes bytes) {
  const base::BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio(bio.get(), label, "", bytes.data(), static_cast<long>(bytes.size())) <= 0) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace certstore
