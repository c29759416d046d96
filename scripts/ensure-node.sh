#!/usr/bin/env bash
# Checks that the pinned Node came with node_modules: every command runs on it, whatever the machine's own Node is.
set -euo pipefail

wanted="v$(cat .node-version)"
found="$(node_modules/.bin/node --version 2>/dev/null || true)"
[ "$found" != "$wanted" ] || exit 0
cat >&2 <<END
node_modules/.bin/node is ${found:-missing}, and $wanted is needed.
npm fetches it in the install script of the package "node". Where install scripts are switched off
(\`npm config get ignore-scripts\`), allow them for this project, then run: npm rebuild node
END
exit 1
