// The part of libcrypto that Sources/Envelope/Crypto calls, and inline functions for macros of
// libcrypto.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

// libcrypto wipes the memory that it knows to be secret, but leaves copies when it encodes and
// decodes private keys. Therefore this allocator wipes every block that libcrypto frees, except
// blocks that are too large to contain a key.
static inline void envcrypt_free(void *block, const char *file, int line) {
  (void)file; (void)line;
  if (!block) return;
  size_t size = malloc_usable_size(block);
  // Several times faster than OPENSSL_cleanse. The compiler cannot remove this call either.
  if (size <= (16 << 10)) explicit_bzero(block, size);
  free(block);
}

static inline void *envcrypt_malloc(size_t size, const char *file, int line) {
  (void)file; (void)line;
  return malloc(size);
}

static inline void *envcrypt_realloc(void *block, size_t size, const char *file, int line) {
  size_t held = block ? malloc_usable_size(block) : 0;
  if (block && size > 0 && size <= held) return block;
  void *larger = size > 0 ? malloc(size) : NULL;
  if (size > 0 && !larger) return NULL;
  if (block && larger) memcpy(larger, block, held);
  envcrypt_free(block, file, line);
  return larger;
}

// Call before any other function of libcrypto: after its first allocation it refuses another
// allocator.
static inline int envcrypt_wipe_on_free(void) {
  return CRYPTO_set_mem_functions(envcrypt_malloc, envcrypt_realloc, envcrypt_free);
}

static inline int envcrypt_wipes_on_free(void) {
  CRYPTO_free_fn release = NULL;
  CRYPTO_get_mem_functions(NULL, NULL, &release);
  return release == envcrypt_free;
}

// Initialises libcrypto without its tables of algorithm names and error texts. This program uses no
// legacy names of algorithms, and reports errors by number. Filling the tables is half of the work
// of libcrypto at start-up.
static inline int envcrypt_init_crypto(void) {
  return OPENSSL_init_crypto(
    OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_ADD_ALL_CIPHERS
      | OPENSSL_INIT_NO_ADD_ALL_DIGESTS | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, NULL);
}

static inline int envcrypt_gcm_set_tag(EVP_CIPHER_CTX *context, int length, void *tag) {
  return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, length, tag);
}

static inline int envcrypt_gcm_get_tag(EVP_CIPHER_CTX *context, int length, void *tag) {
  return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, length, tag);
}

static inline BIO *envcrypt_bio_new_memory(const void *bytes, int length) {
  return BIO_new_mem_buf(bytes, length);
}

static inline long envcrypt_bio_contents(BIO *bio, char **bytes) {
  return BIO_get_mem_data(bio, bytes);
}

static inline EVP_PKEY *envcrypt_generate_rsa(unsigned int bits) {
  return EVP_RSA_gen(bits);
}

static inline EVP_PKEY *envcrypt_generate_ec(const char *curve) {
  return EVP_EC_gen(curve);
}

// Returns an HMAC context with its key; NULL if libcrypto fails.
static inline EVP_MAC_CTX *envcrypt_hmac_context(const char *digest, const void *key, size_t key_length) {
  OSSL_PARAM parameters[] = {
    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)digest, 0),
    OSSL_PARAM_construct_end(),
  };
  EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
  EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
  EVP_MAC_free(mac);
  if (context && EVP_MAC_init(context, (const unsigned char *)key, key_length, parameters) != 1) {
    EVP_MAC_CTX_free(context);
    return NULL;
  }
  return context;
}

static inline EVP_PKEY *envcrypt_generate_ed25519(void) {
  return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

static inline void envcrypt_allow_key_wrap(EVP_CIPHER_CTX *context) {
  EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
}

// A passphrase callback that returns no passphrase, so that libcrypto refuses an encrypted PEM
// instead of prompting.
static inline int envcrypt_no_passphrase(char *buffer, int size, int writing, void *context) {
  (void)buffer; (void)size; (void)writing; (void)context;
  return -1;
}

static inline EVP_PKEY *envcrypt_read_public_pem(BIO *bio) {
  return PEM_read_bio_PUBKEY(bio, NULL, envcrypt_no_passphrase, NULL);
}

static inline int envcrypt_kdf(const char *name, const OSSL_PARAM *parameters, void *output, size_t length) {
  EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
  EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
  int status = context ? EVP_KDF_derive(context, (unsigned char *)output, length, parameters) : 0;
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  return status;
}

// HKDF, extract and expand. An empty salt means no salt.
static inline int envcrypt_hkdf(
  const char *digest, const void *key, size_t key_length, const void *salt, size_t salt_length, const void *info,
  size_t info_length, void *output, size_t length
) {
  OSSL_PARAM parameters[] = {
    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)digest, 0),
    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, key_length),
    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt, salt_length),
    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, info_length),
    OSSL_PARAM_construct_end(),
  };
  return envcrypt_kdf("HKDF", parameters, output, length);
}

// The key derivation of SP 800-108 in counter mode with HMAC. libcrypto calls the label "salt" and
// the context "info".
static inline int envcrypt_kbkdf(
  const char *digest, const void *key, size_t key_length, const void *label, size_t label_length, const void *context,
  size_t context_length, void *output, size_t length
) {
  OSSL_PARAM parameters[] = {
    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, (char *)"counter", 0),
    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, (char *)"HMAC", 0),
    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)digest, 0),
    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, key_length),
    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)label, label_length),
    OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)context, context_length),
    OSSL_PARAM_construct_end(),
  };
  return envcrypt_kdf("KBKDF", parameters, output, length);
}

// Returns the public key with an encoded point, compressed or not; NULL if libcrypto fails.
// OSSL_PARAM stores the addresses of names and values, and only C guarantees that they do not move.
static inline EVP_PKEY *envcrypt_ec_public_key(const char *curve, const void *point, size_t length) {
  OSSL_PARAM parameters[] = {
    OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)curve, 0),
    OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point, length),
    OSSL_PARAM_construct_end(),
  };
  EVP_PKEY *key = NULL;
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
  if (context && EVP_PKEY_fromdata_init(context) == 1) {
    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters);
  }
  EVP_PKEY_CTX_free(context);
  return key;
}

// Returns the RSA public key of two big-endian numbers; NULL if libcrypto fails.
static inline EVP_PKEY *envcrypt_rsa_public_key(
  const void *modulus, size_t modulus_length, const void *exponent, size_t exponent_length
) {
  EVP_PKEY *key = NULL;
  BIGNUM *n = BN_bin2bn((const unsigned char *)modulus, (int)modulus_length, NULL);
  BIGNUM *e = BN_bin2bn((const unsigned char *)exponent, (int)exponent_length, NULL);
  OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
  OSSL_PARAM *parameters = NULL;
  if (n && e && builder && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n)
      && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e)) {
    parameters = OSSL_PARAM_BLD_to_param(builder);
  }
  EVP_PKEY_CTX *context = parameters ? EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL) : NULL;
  if (context && EVP_PKEY_fromdata_init(context) == 1) {
    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters);
  }
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(parameters);
  OSSL_PARAM_BLD_free(builder);
  BN_free(n);
  BN_free(e);
  return key;
}

// Encrypts a PKCS #8 key with PBES2: scrypt with a random salt, and AES-256-CBC. Returns the length
// of the DER in `sealed`, which the caller frees; 0 or less on failure.
static inline int envcrypt_seal_pkcs8(
  const unsigned char *der, long length, const char *passphrase, int passphrase_length, uint64_t cost,
  uint64_t block_size, uint64_t parallelism, unsigned char **sealed)
{
  PKCS8_PRIV_KEY_INFO *key = d2i_PKCS8_PRIV_KEY_INFO(NULL, &der, length);
  X509_ALGOR *scheme = !key ? NULL : PKCS5_pbe2_set_scrypt(
    EVP_aes_256_cbc(), NULL, 16, NULL, cost, block_size, parallelism);
  X509_SIG *encrypted = !scheme ? NULL : PKCS8_set0_pbe(passphrase, passphrase_length, key, scheme);
  int count = encrypted ? i2d_X509_SIG(encrypted, sealed) : 0;
  if (!encrypted) X509_ALGOR_free(scheme);
  X509_SIG_free(encrypted);
  PKCS8_PRIV_KEY_INFO_free(key);
  return count;
}

enum {
  ENVCRYPT_PKCS8_MALFORMED = -1,
  ENVCRYPT_PKCS8_UNKNOWN = -2,
  ENVCRYPT_PKCS8_COSTLY = -3
};

// The work that it takes to derive the key of an encrypted PKCS #8 key: iterations of PBKDF2, or
// blocks of scrypt, which take about as long. 0 if the scheme is another one.
static inline uint64_t envcrypt_pkcs8_work(const X509_ALGOR *scheme) {
  uint64_t work = 0;
  if (OBJ_obj2nid(scheme->algorithm) != NID_pbes2) return 0;
  PBE2PARAM *parameters = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), scheme->parameter);
  if (!parameters) return 0;
  const X509_ALGOR *function = parameters->keyfunc;
  int name = OBJ_obj2nid(function->algorithm);
  if (name == NID_id_pbkdf2) {
    PBKDF2PARAM *values = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), function->parameter);
    if (!values || !ASN1_INTEGER_get_uint64(&work, values->iter)) work = 0;
    PBKDF2PARAM_free(values);
  } else if (name == NID_id_scrypt) {
    SCRYPT_PARAMS *values = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), function->parameter);
    uint64_t cost = 0, size = 0, times = 0;
    if (values && ASN1_INTEGER_get_uint64(&cost, values->costParameter)
        && ASN1_INTEGER_get_uint64(&size, values->blockSize)
        && ASN1_INTEGER_get_uint64(&times, values->parallelizationParameter)
        && cost > 0 && size > 0 && times > 0)
      work = cost > UINT32_MAX || size > UINT16_MAX || times > UINT16_MAX ? UINT64_MAX : cost * size * times;
    SCRYPT_PARAMS_free(values);
  }
  PBE2PARAM_free(parameters);
  return work;
}

// Decrypts a PKCS #8 key. Returns the length of the DER in `opened`, which the caller wipes and
// frees; 0 if the passphrase does not decrypt it; or one of the numbers above.
static inline int envcrypt_open_pkcs8(
  const unsigned char *der, long length, const char *passphrase, int passphrase_length,
  uint64_t most_work, unsigned char **opened)
{
  const unsigned char *end = der + length;
  X509_SIG *encrypted = d2i_X509_SIG(NULL, &der, length);
  if (!encrypted || der != end) {
    X509_SIG_free(encrypted);
    return ENVCRYPT_PKCS8_MALFORMED;
  }
  const X509_ALGOR *scheme = NULL;
  X509_SIG_get0(encrypted, &scheme, NULL);
  uint64_t work = envcrypt_pkcs8_work(scheme);
  int count = work == 0 ? ENVCRYPT_PKCS8_UNKNOWN : work > most_work ? ENVCRYPT_PKCS8_COSTLY : 0;
  if (count == 0) {
    PKCS8_PRIV_KEY_INFO *key = PKCS8_decrypt(encrypted, passphrase, passphrase_length);
    if (key) count = i2d_PKCS8_PRIV_KEY_INFO(key, opened);
    if (count < 0) count = 0;
    PKCS8_PRIV_KEY_INFO_free(key);
  }
  X509_SIG_free(encrypted);
  return count;
}
