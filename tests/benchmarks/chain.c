/* The yardstick: follows a cursor with libcurl, and does what nobody can leave out: zstd at level 3 with checksums, and
   SHA-256 of what it writes. It parses nothing, digests no row, keeps no journal, and flushes nothing to the disk.

   chain URL FILE    prints the bytes that it fetched, its seconds of CPU and its peak memory in KiB */

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <zstd.h>

/* Of libcrypto, which libcurl brings along without its headers. */
typedef struct evp_md_ctx_st EVP_MD_CTX;
typedef struct evp_md_st EVP_MD;
EVP_MD_CTX *EVP_MD_CTX_new(void);
const EVP_MD *EVP_sha256(void);
int EVP_DigestInit_ex(EVP_MD_CTX *, const EVP_MD *, void *);
int EVP_DigestUpdate(EVP_MD_CTX *, const void *, size_t);
int EVP_DigestFinal_ex(EVP_MD_CTX *, unsigned char *, unsigned int *);

static char *body;
static size_t used, room;

static size_t take(char *data, size_t one, size_t number, void *nothing) {
    size_t size = one * number;
    (void)nothing;
    if (used + size + 1 > room) body = realloc(body, room = 2 * (used + size + 1));
    memcpy(body + used, data, size);
    used += size;
    return size;
}

int main(int count, char **words) {
    CURL *curl = curl_easy_init();
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    FILE *out = fopen(words[count - 1], "wb");
    size_t room_out = ZSTD_CStreamOutSize();
    char *packed = malloc(room_out), url[512], next[64] = "";
    unsigned long long total = 0;
    unsigned char sum[32];

    ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, 3);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
    EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    for (int last = 0; !last;) {
        long status = 0;
        snprintf(url, sizeof url, "%s?limit=200%s%s", words[1], *next ? "&cursor=" : "", next);
        curl_easy_setopt(curl, CURLOPT_URL, url);
        used = 0;
        if (curl_easy_perform(curl) != CURLE_OK) return 1;
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        if (status != 200) return 1;
        body[used] = 0;
        total += used;
        char *tail = strstr(body + (used > 64 ? used - 64 : 0), "\"next\":");
        last = !tail || sscanf(tail, "\"next\":\"%63[^\"]\"", next) != 1;

        ZSTD_inBuffer in = {body, used, 0};
        size_t left;
        do {
            ZSTD_outBuffer to = {packed, room_out, 0};
            left = ZSTD_compressStream2(zstd, &to, &in, last ? ZSTD_e_end : ZSTD_e_continue);
            if (ZSTD_isError(left)) return 1;
            EVP_DigestUpdate(digest, packed, to.pos);
            fwrite(packed, 1, to.pos, out);
        } while (last ? left : in.pos < in.size);
    }
    EVP_DigestFinal_ex(digest, sum, NULL);
    fclose(out);
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    double cpu = use.ru_utime.tv_sec + use.ru_stime.tv_sec + 1e-6 * (use.ru_utime.tv_usec + use.ru_stime.tv_usec);
    printf("%llu %.6f %ld\n", total, cpu, use.ru_maxrss);
    return 0;
}
