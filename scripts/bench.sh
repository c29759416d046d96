#!/usr/bin/env bash
# bench.sh [NAME [ARGUMENT …]]: runs bench/NAME.ts with its arguments, or every file of bench/ when no name is given.
set -euo pipefail

run() { node_modules/.bin/node "bench/$1.ts" "${@:2}"; }
names() { (cd bench && ls -- *.ts | sed 's/\.ts$//'); }

if [ $# -gt 0 ] && [ -n "$1" ]; then
  if [ ! -f "bench/$1.ts" ]; then
    echo "no bench/$1.ts; there are: $(names | tr '\n' ' ')" >&2
    exit 1
  fi
  run "$@"
else
  for name in $(names); do
    run "$name"
    echo
  done
fi
