#!/usr/bin/env bash
# Installs the named Debian packages whose command, or whose file, is missing (PACKAGE:COMMAND:WHAT-FOR …, PACKAGE:/FILE:WHAT-FOR …):
# by apt-get as root, else says what to install. None of them is needed for everything, so a missing one ends nothing here.
set -euo pipefail

missing=()
for tool in "$@"; do
  IFS=: read -r package command purpose <<<"$tool"
  [ -e "$command" ] || command -v "$command" >/dev/null 2>&1 || missing+=("$package:$purpose")
done
[ ${#missing[@]} -gt 0 ] || exit 0

packages=("${missing[@]%%:*}")
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "installing ${packages[*]}"
  export DEBIAN_FRONTEND=noninteractive
  install=(apt-get install -y -qq --no-install-recommends "${packages[@]}")
  # A fresh machine has no package lists yet; a used one need not fetch them again.
  if "${install[@]}" >/dev/null 2>&1 </dev/null; then exit 0; fi
  if apt-get update -qq >/dev/null 2>&1 </dev/null && "${install[@]}" >/dev/null </dev/null; then exit 0; fi
fi
for entry in "${missing[@]}"; do
  echo "missing: ${entry%%:*} (${entry#*:}); install it with your package manager, for one: apt-get install ${entry%%:*}" >&2
done
