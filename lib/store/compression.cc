#include "lib/store/compression.h"

#include <algorithm>
#include <atomic>
#include <memory>

#include <zlib.h>
#include <zstd.h>

namespace facteur::store {
namespace {

constexpr std::string_view kGzip = "\x1f\x8b";
constexpr std::string_view kZstd = "\x28\xb5\x2f\xfd";
constexpr std::size_t kPiece = 128 << 10;

std::atomic<int> chosen_level{0};

std::unexpected<Error> broken(std::string_view why) {
    return temporary("cannot decompress a message: " + std::string(why));
}

Result<std::string> gunzip(std::string_view bytes, std::size_t limit) {
    z_stream stream{};
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    if (::inflateInit2(&stream, kGzipOnly) != Z_OK) return broken("out of memory");
    std::unique_ptr<z_stream, int (*)(z_streamp)> end(&stream, &::inflateEnd);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // NOLINT: zlib
    stream.avail_in = static_cast<uInt>(bytes.size());
    std::string out;
    std::string piece(kPiece, '\0');
    while (stream.avail_in > 0) {
        stream.next_out = reinterpret_cast<Bytef*>(piece.data());
        stream.avail_out = static_cast<uInt>(piece.size());
        int state = ::inflate(&stream, Z_NO_FLUSH);
        out.append(piece, 0, piece.size() - stream.avail_out);
        if (out.size() > limit) return broken("too large");
        if (state == Z_STREAM_END) {
            if (stream.avail_in == 0) return out;
            if (::inflateReset(&stream) != Z_OK) return broken("another member");
        } else if (state != Z_OK) {
            return broken("not gzip throughout");
        }
    }
    return broken("cut short");
}

Result<std::string> unzstd(std::string_view bytes, std::size_t limit) {
    std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(::ZSTD_createDCtx(),
                                                                    &::ZSTD_freeDCtx);
    if (!context) return broken("out of memory");
    std::string out;
    std::string piece(kPiece, '\0');
    ZSTD_inBuffer from{bytes.data(), bytes.size(), 0};
    std::size_t left = 1;
    for (bool is_full = false; from.pos < from.size || is_full;) {
        ZSTD_outBuffer to{piece.data(), piece.size(), 0};
        left = ::ZSTD_decompressStream(context.get(), &to, &from);
        if (::ZSTD_isError(left)) return broken(::ZSTD_getErrorName(left));
        out.append(piece, 0, to.pos);
        if (out.size() > limit) return broken("too large");
        is_full = to.pos == to.size && left != 0;
    }
    if (left != 0) return broken("cut short");
    return out;
}

}  // namespace

void set_compression(const CompressionSettings& settings) {
    chosen_level = settings.save() == CompressionSettings::Save::zstd ? settings.level() : 0;
}

int compression_level() {
    return chosen_level;
}

bool is_compressed(std::string_view start) {
    return start.starts_with(kGzip) || start.starts_with(kZstd);
}

std::string compress(std::string_view bytes, int level) {
    std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(::ZSTD_createCCtx(),
                                                                    &::ZSTD_freeCCtx);
    std::string out(::ZSTD_compressBound(bytes.size()), '\0');
    if (!context) return {};
    ::ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
    ::ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
    std::size_t size =
        ::ZSTD_compress2(context.get(), out.data(), out.size(), bytes.data(), bytes.size());
    out.resize(::ZSTD_isError(size) ? 0 : size);
    return out;
}

Result<std::string> decompress(std::string_view bytes, std::size_t limit) {
    return bytes.starts_with(kGzip) ? gunzip(bytes, limit) : unzstd(bytes, limit);
}

}  // namespace facteur::store
