#!/usr/bin/env bash
# Builds the package librdkafka.redist into eng/feed/, for registries that lack the exact version Directory.Packages.props pins.
# The source comes from the npm package that carries the same librdkafka, unchanged; nothing else is fetched.
# eng/lib/dotnet.sh calls this when, and only when, a restore fails for lack of that package.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$here/../.." && pwd)
HOME_STATE=$ROOT/.onceward
source "$ROOT/eng/lib/say.sh"
source "$ROOT/eng/lib/tools.sh"

version=2.15.1
carrier=@confluentinc/kafka-javascript@1.10.1
# Native code that we compile and load: the very bytes that were reviewed, or nothing.
integrity=KVePUBn21EqCVP9mfxzEuM3SYJHHEF7X+iiC2e43QQgDSyEaksInmCGooT3w5q+cNAdkSCrK71j0ICfqoSqZLw==

case $(uname -m) in
  x86_64) arch=x64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) die "librdkafka.redist $version is not on your NuGet registry, and eng/librdkafka builds it for x64 and arm64 only, not $(uname -m)" ;;
esac

need_packages gcc g++ make libssl-dev zlib1g-dev libzstd-dev liblz4-dev libsasl2-dev libcurl4-openssl-dev
need_command gcc gcc
need_command g++ g++
need_command make make
need_command openssl openssl
need_node

work=$HOME_STATE/librdkafka
rm -rf "$work"
mkdir -p "$work" "$ROOT/eng/feed"
log=$work/build.log
keep_only_after_failure() { [ "$1" -ne 0 ] || rm -rf "$work"; }
trap 'keep_only_after_failure $?' EXIT

step "librdkafka.redist $version is not on the NuGet registry: building it from source (a minute or two, once)"
(cd "$work" && npm pack --silent "$carrier" >carrier.name 2>"$log") ||
  die "the npm registry did not deliver $carrier: $(tail -1 "$log")"
archive=$work/$(tail -1 "$work/carrier.name")
[ "$(openssl dgst -sha512 -binary "$archive" | base64 -w0)" = "$integrity" ] ||
  die "$carrier from the npm registry is not the archive that was reviewed (sha512 differs): refusing to build it"
tar -xzf "$archive" -C "$work" package/deps/librdkafka
source=$work/package/deps/librdkafka

(cd "$source" && ./configure --enable-ssl --enable-gssapi --enable-zstd --enable-lz4-ext --disable-debug-symbols) >>"$log" 2>&1 ||
  die_of "$log" "configure of librdkafka failed"
# configure turns off what it does not find without failing; a client without TLS would only be noticed in production.
for feature in WITH_SSL WITH_SASL_CYRUS WITH_SASL_SCRAM WITH_SASL_OAUTHBEARER WITH_OAUTHBEARER_OIDC WITH_ZSTD WITH_LZ4_EXT WITH_ZLIB; do
  grep -q "^#define $feature 1" "$source/config.h" ||
    die "librdkafka would be built without $feature: install the headers of OpenSSL, SASL, zstd, lz4, zlib and curl, and start again"
done
make -C "$source" -j2 libs >>"$log" 2>&1 || die_of "$log" "make of librdkafka failed"
# The name under which Confluent.Kafka looks for it; make leaves a link there.
strip --strip-unneeded -o "$work/librdkafka.so" "$source/src/librdkafka.so.1"
mv -f "$work/librdkafka.so" "$source/src/librdkafka.so"

dotnet pack "$here/librdkafka.redist.csproj" --nologo --output "$work/out" \
  -p:Version=$version -p:NativeArch=$arch -p:LibrdkafkaSource="$source/" -p:BaseIntermediateOutputPath="$work/obj/" >>"$log" 2>&1 ||
  die_of "$log" "packing librdkafka.redist failed"
# Last, and by rename: a feed never holds half a package.
mv "$work/out/librdkafka.redist.$version.nupkg" "$ROOT/eng/feed/"
