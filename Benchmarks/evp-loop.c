// The cost of a plain loop over OpenSSL: AES-256-GCM of a file through EVP, without anything else.
//
//   evp-loop [-d] [-t THREADS] IN OUT
//
// Each thread takes the next batch of 64 KiB frames, reads it at its position, seals each frame
// (with -d: opens and verifies it) and writes the batch at its position. If OUT is /dev/null,
// nothing is written. A sealed frame is the ciphertext and a tag of 16 bytes. There is no key
// management, no header and no authenticated length: it is a reference for envcrypt and not a tool.
// The key is below.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  frame_length = 64 << 10,
  tag_length = 16,
  nonce_length = 12,
  // The input and output of a batch fit into a core's second-level cache.
  frames_per_batch = 4,
  max_threads = 1024,
};

static const unsigned char key[32] = "these 32 bytes are not a secret.";
static int in_file, out_file;
static bool opening, discarding;
static off_t in_length;
static atomic_uint_least64_t next_frame;

static void fail(const char *what) {
  fprintf(stderr, "evp-loop: %s: %s\n", what, strerror(errno));
  exit(1);
}

static size_t read_at(unsigned char *buffer, size_t count, off_t offset) {
  size_t done = 0;
  while (done < count) {
    ssize_t n = pread(in_file, buffer + done, count - done, offset + done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("read");
    if (n == 0) break;
    done += n;
  }
  return done;
}

static void write_at(const unsigned char *buffer, size_t count, off_t offset) {
  for (size_t done = 0; done < count;) {
    ssize_t n = pwrite(out_file, buffer + done, count - done, offset + done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("write");
    done += n;
  }
}

// Seals or opens one frame. Returns false if it does not verify. The context keeps the key.
static bool process(EVP_CIPHER_CTX *context, uint64_t number, const unsigned char *in, int count,
                    unsigned char *out) {
  unsigned char nonce[nonce_length] = {0};
  memcpy(nonce + 4, &number, sizeof number);
  int length;
  if (!EVP_CipherInit_ex(context, NULL, NULL, NULL, nonce, !opening)) return false;
  if (!opening)
    return EVP_EncryptUpdate(context, out, &length, in, count)
           && EVP_EncryptFinal_ex(context, out + count, &length)
           && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, tag_length, out + count);
  count -= tag_length;
  return count >= 0 && EVP_DecryptUpdate(context, out, &length, in, count)
         && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, tag_length, (void *)(in + count))
         && EVP_DecryptFinal_ex(context, out + count, &length);
}

static void *work(void *unused) {
  const size_t in_frame = frame_length + (opening ? tag_length : 0);
  const size_t out_frame = frame_length + (opening ? 0 : tag_length);
  unsigned char *in = malloc(in_frame * frames_per_batch);
  unsigned char *out = malloc(out_frame * frames_per_batch);
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  if (!in || !out || !context
      || !EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key, NULL, !opening))
    fail("set-up");
  for (;;) {
    uint64_t first = atomic_fetch_add(&next_frame, frames_per_batch);
    off_t offset = (off_t)(first * in_frame);
    if (offset >= in_length) break;
    size_t count = read_at(in, in_frame * frames_per_batch, offset);
    size_t written = 0;
    for (size_t done = 0, i = 0; done < count; i++) {
      size_t length = count - done < in_frame ? count - done : in_frame;
      if (!process(context, first + i, in + done, (int)length, out + written)) {
        fprintf(stderr, "evp-loop: frame %llu is not authentic\n", (unsigned long long)(first + i));
        exit(1);
      }
      done += length;
      written += length + out_frame - in_frame;
    }
    if (!discarding) write_at(out, written, (off_t)(first * out_frame));
  }
  EVP_CIPHER_CTX_free(context);
  free(in);
  free(out);
  return unused;
}

int main(int count, char **arguments) {
  int threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
  for (int option; (option = getopt(count, arguments, "dt:")) != -1;) {
    if (option == 'd') opening = true;
    else if (option == 't') threads = atoi(optarg);
    else return 2;
  }
  if (count - optind != 2 || threads < 1 || threads > max_threads) {
    fprintf(stderr, "usage: evp-loop [-d] [-t THREADS] IN OUT\n");
    return 2;
  }
  struct stat status;
  in_file = open(arguments[optind], O_RDONLY);
  if (in_file < 0 || fstat(in_file, &status) != 0) fail(arguments[optind]);
  in_length = status.st_size;
  out_file = open(arguments[optind + 1], O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (out_file < 0 || fstat(out_file, &status) != 0) fail(arguments[optind + 1]);
  discarding = !S_ISREG(status.st_mode);

  pthread_t others[max_threads];
  for (int i = 1; i < threads; i++)
    if ((errno = pthread_create(&others[i], NULL, work, NULL)) != 0) fail("thread");
  work(NULL);
  for (int i = 1; i < threads; i++) pthread_join(others[i], NULL);
  if (close(out_file) != 0) fail("close");
  return 0;
}
