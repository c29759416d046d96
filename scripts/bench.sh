#!/usr/bin/env bash
# Runs bench/NAME.ts, or every file of bench/ when no name is given.
set -euo pipefail

run() { node_modules/.bin/node "$1"; }

if [ $# -gt 0 ] && [ -n "$1" ]; then
  if [ ! -f "bench/$1.ts" ]; then
    echo "no bench/$1.ts; there are: $(cd bench && ls -- *.ts 2>/dev/null | sed 's/\.ts$//' | tr '\n' ' ')" >&2
    exit 1
  fi
  run "bench/$1.ts"
else
  for file in bench/*.ts; do
    [ -f "$file" ] || continue
    echo "== $file"
    run "$file"
  done
fi
