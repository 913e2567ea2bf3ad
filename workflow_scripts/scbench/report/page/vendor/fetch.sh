#!/bin/sh
# Fetch the two libraries of the result page anew from npm, and check them: sh fetch.sh
# To change a version, edit it here, run the script, and record the new digests: sha256sum *.js *.css *.txt > SHA256SUMS
set -eu
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fetch() { # package, version, its files
    tarball=$(cd "$folder" && npm pack --silent "$1@$2")
    tar -xzf "$folder/$tarball" -C "$folder"
    shift 2
    for file in "$@"; do cp "$folder/package/$file" .; done
    mv "$folder/package" "$folder/$tarball.package"
}
fetch tabulator-tables 6.5.3 dist/js/tabulator.min.js dist/css/tabulator_simple.min.css LICENSE
mv LICENSE tabulator-LICENSE.txt
fetch plotly.js-gl2d-dist-min 3.7.0 plotly-gl2d.min.js LICENSE
mv LICENSE plotly-LICENSE.txt
sha256sum --check SHA256SUMS
